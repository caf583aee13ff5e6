//! A whole installation: started by an ordinary user with one command, used with kubectl, changed, broken and mended.
//!
//! Each file holds what happens to one thing; the order is that of an installation's life.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking, and its parts are its own"
)]

#[path = "../sandbox/mod.rs"]
mod sandbox;

mod certificates;
mod changes;
mod deletion;
mod faults;
mod fixture;
mod use_of_it;

use fixture::Installation;

#[tokio::test]
async fn an_installation_lives() {
    if !sandbox::is_allowed() {
        return;
    }
    let mut installation = Installation::start().await;
    use_of_it::samples_become_ready(&installation);
    use_of_it::workspaces_are_made_through_the_front_proxy(&installation);
    use_of_it::a_kubeconfig_opens_what_its_roles_allow(&installation);
    use_of_it::logs_of_pods_are_read(&installation);
    changes::front_proxies_roll_without_a_refused_request(&installation);
    changes::other_arguments_start_the_shard_anew_on_its_data(&installation);
    changes::a_contradiction_is_told_and_changes_nothing(&installation);
    changes::another_store_is_refused(&installation);
    certificates::deleted_secrets_are_made_again(&installation);
    certificates::certificates_are_renewed_before_and_after_their_end(&installation);
    faults::a_killed_shard_starts_again_with_all_that_it_acknowledged(&installation);
    deletion::data_and_authorities_outlive_the_objects(&installation);
    faults::a_killed_sandbox_takes_everything_with_it_and_continues(&mut installation).await;
    faults::a_stopped_sandbox_leaves_no_process(&mut installation).await;
}
