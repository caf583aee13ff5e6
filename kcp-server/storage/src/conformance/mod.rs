//! What [`Store`] promises, as checks that any implementation can be run through.
//!
//! Each of [`CHECKS`] gets a store of its own. Beside them stands [`model`]: random operations on two
//! stores that must answer alike.

mod history;
pub mod model;
mod reads;
mod tools;
mod writes;

use crate::{BoxFuture, Store, clock::ManualClock};
use std::sync::Arc;

/// A fresh store and the clock that it expires by.
#[derive(Clone)]
pub struct Subject {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
}

/// One promise.
#[derive(Clone, Copy)]
pub struct Check {
    /// What is promised.
    pub name: &'static str,
    run: fn(Subject) -> BoxFuture<'static, ()>,
}

macro_rules! checks {
    ($($module:ident: $($name:ident),+;)+) => {
        /// All promises.
        pub const CHECKS: &[Check] = &[
            $($(Check { name: stringify!($name), run: |subject| Box::pin($module::$name(subject)) },)+)+
        ];
    };
}

checks! {
    reads:
        a_fresh_store_is_at_revision_one, what_was_written_is_read, a_range_is_listed_in_the_order_of_keys,
        a_range_holds_what_is_in_it_and_nothing_else, a_list_continues_behind_a_key,
        every_identity_is_listed_by_one_range, keys_of_a_logical_cluster_are_found,
        a_list_goes_on_at_its_revision, revisions_of_the_future_are_refused, notes_are_kept;
    writes:
        expectations_are_checked, a_refused_write_does_not_stop_the_next, a_write_needs_its_logical_cluster,
        a_closed_object_takes_no_creates, a_batch_sees_its_own_writes, a_transaction_is_all_or_nothing,
        a_transaction_is_judged_by_what_was_before, transactions_are_small, large_values_are_refused,
        a_recreated_object_is_another, racing_writers_of_one_key_win_once;
    history:
        events_tell_what_was_before, events_are_limited_and_resumed, events_are_of_their_range,
        compacted_history_is_refused, a_list_at_the_compacted_revision_is_whole,
        a_subscription_gets_every_change_in_order, a_subscriber_that_falls_behind_is_told_and_catches_up,
        objects_expire, what_is_renewed_does_not_expire;
}

impl Check {
    /// Runs the check on a store that nobody used before.
    ///
    /// # Panics
    /// If the store does not keep the promise.
    pub async fn run(&self, store: Arc<dyn Store>, clock: Arc<ManualClock>) {
        clock.set(tools::TODAY);
        (self.run)(Subject { store, clock }).await;
    }
}
