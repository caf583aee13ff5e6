//! The time of day, as objects and tokens want it.

use kcp_apimachinery::time::{MicroTime, Time};
use kcp_pki::UnixTime;
use std::time::Duration;

/// Now, in whole seconds.
pub(crate) fn now() -> Time {
    Time::from_timestamp(jiff::Timestamp::now())
}

/// Now, in microseconds.
pub(crate) fn now_micro() -> MicroTime {
    MicroTime::from_timestamp(jiff::Timestamp::now())
}

/// So many seconds from now.
pub(crate) fn after(seconds: i64) -> Time {
    Time::from_unix(now().unix().saturating_add(seconds)).unwrap_or_else(now)
}

/// Now, as certificates and tokens count.
pub(crate) fn unix() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(now().unix().unsigned_abs()))
}
