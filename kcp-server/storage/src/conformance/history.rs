//! Events, compaction, subscriptions and expiry.

use super::{Subject, tools::*};
use crate::{Change, Expect, Header, Key, Missed, Range, Write};
use kcp_names::Revision;

pub(super) async fn events_tell_what_was_before(s: Subject) {
    let key = key("a/n/x");
    s.made(create(&key, "1")).await;
    let first = s.get(&key).await;
    s.made(put(&key, "2")).await;
    let second = s.get(&key).await;
    s.made(delete(&key)).await;
    let events = s.events(&everything(), Revision(1)).await;
    let seen: Vec<_> = events.iter().map(|e| (e.revision.0, e.previous.clone(), e.record.clone())).collect();
    assert_eq!(seen, [(2, None, first.clone()), (3, first, second.clone()), (4, second, None)]);
    assert!(events.iter().all(|event| event.key == key));
}

pub(super) async fn events_are_limited_and_resumed(s: Subject) {
    for round in 0..5 {
        s.made(put(&key("a/n/x"), &round.to_string())).await;
        s.made(put(&key_of(widgets("f00"), "a/x"), &round.to_string())).await;
    }
    let (mut after, mut seen) = (Revision(1), Vec::new());
    while after < s.store.revision() {
        let page = s.store.events(&everything(), after, 2).await.expect("history is there");
        assert!(page.events.len() <= 2 && page.upto > after);
        assert!(page.events.iter().all(|event| event.revision > after && event.revision <= page.upto));
        seen.extend(page.events.iter().map(|event| event.revision.0));
        after = page.upto;
    }
    assert_eq!(seen, [2, 4, 6, 8, 10]);
    let page = s.store.events(&everything(), after, 2).await.expect("history is there");
    assert_eq!((page.events.len(), page.upto), (0, after));
}

pub(super) async fn events_are_of_their_range(s: Subject) {
    for place in ["a/n/x", "a/nn/x", "aa/n/x", "a/x"] {
        s.made(create(&key(place), "1")).await;
        s.made(create(&key_of(widgets("f00"), place), "1")).await;
    }
    let of = async |range: Range| {
        let events = s.events(&range, Revision(1)).await;
        events.iter().map(|event| place(&event.key)).collect::<Vec<_>>()
    };
    assert_eq!(of(everything()).await, ["a/n/x", "a/nn/x", "aa/n/x", "a/x"]);
    assert_eq!(of(Range::cluster(config_maps(), cluster("a"))).await, ["a/n/x", "a/nn/x", "a/x"]);
    let namespace = key("a/n/x").namespace.expect("a namespace");
    assert_eq!(of(Range::namespace(config_maps(), cluster("a"), namespace)).await, ["a/n/x"]);
    assert_eq!(of(Range::object(&key("a/x"))).await, ["a/x"]);
}

pub(super) async fn compacted_history_is_refused(s: Subject) {
    for round in 0..5 {
        s.made(put(&key("a/n/x"), &round.to_string())).await;
    }
    let range = everything();
    assert_eq!(s.store.compact(Revision(4)).await, Ok(()));
    assert!(is_compacted(s.store.events(&range, Revision(3), 9).await, Revision(4)));
    assert!(is_compacted(s.store.range(&range, None, 9, Some(Revision(3))).await, Revision(4)));
    assert_eq!(s.store.compact(Revision(2)).await, Ok(()), "that much is forgotten already");
    let events = s.events(&range, Revision(4)).await;
    assert_eq!(events.iter().map(|event| event.revision.0).collect::<Vec<_>>(), [5, 6]);
    assert_eq!(events[0].previous.as_ref().map(|record| record.value.clone()), Some(sealed("2")));
    assert_eq!(s.store.revision(), Revision(6), "a compaction is no change");
}

pub(super) async fn a_list_at_the_compacted_revision_is_whole(s: Subject) {
    s.made(create(&key("a/n/u"), "untouched")).await;
    s.made(create(&key("a/n/v"), "old")).await;
    s.made(create(&key("a/n/w"), "old")).await;
    s.made(delete(&key("a/n/w"))).await;
    let then = s.made(create(&key("a/n/x"), "old")).await;
    s.made(put(&key("a/n/v"), "new")).await;
    s.made(delete(&key("a/n/x"))).await;
    assert_eq!(s.store.compact(then).await, Ok(()));
    for _ in 0..20 {
        s.made(put(&key("a/n/y"), "later")).await; // gives a store the time to tidy up
    }
    assert_eq!(s.list(&everything(), Some(then)).await, ["a/n/u", "a/n/v", "a/n/x"]);
    let page = s.store.range(&everything(), None, 9, Some(then)).await.expect("lists");
    assert_eq!(page.items[1].1.value, sealed("old"));
}

pub(super) async fn a_subscription_gets_every_change_in_order(s: Subject) {
    s.made(create(&key("a/n/before"), "1")).await;
    let mut subscription = s.store.subscribe();
    assert_eq!(subscription.since, s.store.revision());
    s.commit(vec![create(&key("a/n/x"), "1"), create(&key("b/n/x"), "1"), delete(&key("a/n/none"))]).await;
    s.made(delete(&key("a/n/x"))).await;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let events = subscription.next().await.expect("is open").expect("misses nothing");
        seen.extend(events.iter().cloned());
    }
    assert!(seen.iter().zip(1..).all(|(event, n)| event.revision.0 == subscription.since.0 + n));
    let history: Vec<_> = s.events(&everything(), subscription.since).await;
    assert_eq!(seen, history, "live events are those of history");
}

pub(super) async fn a_subscriber_that_falls_behind_is_told_and_catches_up(s: Subject) {
    let mut subscription = s.store.subscribe();
    let mut last = subscription.since;
    for round in 0..1100 {
        s.made(put(&key("a/n/x"), &round.to_string())).await;
    }
    assert_eq!(subscription.next().await, Some(Err(Missed)));
    while last < s.store.revision() {
        let page = s.store.events(&everything(), last, 100).await.expect("history is there");
        assert!(page.events.iter().zip(1..).all(|(event, n)| event.revision.0 == last.0 + n));
        last = page.upto;
    }
    let newest = s.made(put(&key("a/n/x"), "last")).await;
    loop {
        let events = subscription.next().await.expect("is open").expect("misses nothing more");
        for event in events.iter() {
            assert!(event.revision <= last.next(), "nothing is left out");
            last = last.max(event.revision);
        }
        if last == newest {
            break;
        }
    }
}

fn expiring(key: &Key, expires: u64) -> Write {
    let value = Header { expires, ..Header::default() }.seal(b"{}");
    write(key, Expect::Anything, Change::Put(value))
}

pub(super) async fn objects_expire(s: Subject) {
    let (soon, later) = (key("a/n/soon"), key("a/n/later"));
    s.made(expiring(&soon, TODAY + 10)).await;
    s.made(expiring(&later, TODAY + 1000)).await;
    let record = s.get(&soon).await;
    assert!(record.is_some());
    let mut subscription = s.store.subscribe();
    s.clock.set(TODAY + 10);
    assert!(s.store.revision() >= subscription.since);
    let events = subscription.next().await.expect("is open").expect("misses nothing");
    let event = &events[0];
    assert_eq!((&event.key, &event.record, &event.previous), (&soon, &None, &record));
    assert_eq!(event.revision, subscription.since.next());
    assert_eq!(s.get(&soon).await, None);
    assert!(s.get(&later).await.is_some());
}

pub(super) async fn what_is_renewed_does_not_expire(s: Subject) {
    let (renewed, forever, deleted, last) = (key("a/n/r"), key("a/n/f"), key("a/n/d"), key("a/n/z"));
    for key in [&renewed, &forever, &deleted, &last] {
        s.made(expiring(key, TODAY + 10)).await;
    }
    s.made(expiring(&renewed, TODAY + 1000)).await;
    s.made(put(&forever, "no end")).await;
    s.made(delete(&deleted)).await;
    s.made(put(&deleted, "no end")).await;
    let mut subscription = s.store.subscribe();
    s.clock.set(TODAY + 20);
    assert!(s.store.revision() >= subscription.since);
    let events = subscription.next().await.expect("is open").expect("misses nothing");
    assert_eq!((events.len(), &events[0].key), (1, &last));
    assert_eq!(s.list(&everything(), None).await, ["a/n/d", "a/n/f", "a/n/r"]);
}
