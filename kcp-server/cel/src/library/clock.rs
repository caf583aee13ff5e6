use super::{Op, Outcome, fail};
use crate::{time::Timestamp, value::Val};
use jiff::civil::DateTime;

/// Parts of points in time and of durations.
pub(super) fn call<'a>(op: Op, args: &[Val<'a>]) -> Outcome<'a> {
    match args {
        [Val::Timestamp(at)] => part(op, *at, ""),
        [Val::Timestamp(at), Val::String(zone)] => part(op, *at, zone),
        [Val::Duration(nanos)] => Some(Ok(Val::Int(match op {
            Op::Hours => nanos / 3_600_000_000_000,
            Op::Minutes => nanos / 60_000_000_000,
            Op::Seconds => nanos / 1_000_000_000,
            Op::Milliseconds => nanos / 1_000_000 % 1_000,
            _ => return None,
        }))),
        _ => None,
    }
}

fn part<'a>(op: Op, at: Timestamp, zone: &str) -> Outcome<'a> {
    let of: fn(DateTime) -> i64 = match op {
        Op::FullYear => |at| i64::from(at.year()),
        Op::Month => |at| i64::from(at.month()) - 1,
        Op::DayOfYear => |at| i64::from(at.day_of_year()) - 1,
        Op::DayOfMonth => |at| i64::from(at.day()) - 1,
        Op::Date => |at| i64::from(at.day()),
        Op::DayOfWeek => |at| i64::from(at.weekday().to_sunday_zero_offset()),
        Op::Hours => |at| i64::from(at.hour()),
        Op::Minutes => |at| i64::from(at.minute()),
        Op::Seconds => |at| i64::from(at.second()),
        Op::Milliseconds => |at| i64::from(at.millisecond()),
        _ => return None,
    };
    match at.civil(zone) {
        Ok(civil) => Some(Ok(Val::Int(of(civil)))),
        Err(error) => fail(error.to_string()),
    }
}
