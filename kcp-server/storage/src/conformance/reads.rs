//! Reads, lists and notes.

use super::{Subject, tools::*};
use crate::{Error, Range, Resources, Scope};
use kcp_names::Revision;

pub(super) async fn a_fresh_store_is_at_revision_one(s: Subject) {
    assert_eq!(s.store.revision(), Revision(1));
    assert_eq!(s.get(&key("a/n/x")).await, None);
    let page = s.store.range(&everything(), None, 10, None).await.expect("lists");
    assert_eq!((page.items.len(), page.more, page.revision), (0, false, Revision(1)));
    assert_eq!(s.store.count(&everything()).await, Ok(0));
    assert_eq!(s.made(create(&key("a/n/x"), "1")).await, Revision(2));
}

pub(super) async fn what_was_written_is_read(s: Subject) {
    let key = key("a/n/x");
    let created = s.made(create(&key, "1")).await;
    let first = s.get(&key).await.expect("is there");
    assert_eq!((&first.value, first.created, first.modified), (&sealed("1"), created, created));
    let modified = s.made(put(&key, "2")).await;
    let second = s.get(&key).await.expect("is there");
    assert_eq!((&second.value, second.created, second.modified), (&sealed("2"), created, modified));
    assert_eq!(s.store.revision(), modified);
    let deleted = s.made(delete(&key)).await;
    assert_eq!(s.get(&key).await, None);
    assert_eq!(s.store.revision(), deleted);
    assert!(created < modified && modified < deleted);
    for size in [0, 1, 33, 34, 35, 10_000, crate::VALUE_LIMIT] {
        let value = bytes::Bytes::from_iter((0..size).map(|at| u8::try_from(at * at % 251).expect("fits")));
        s.made(write(&key, crate::Expect::Anything, crate::Change::Put(value.clone()))).await;
        assert!(s.get(&key).await.expect("is there").value == value, "{size} bytes come back");
    }
}

pub(super) async fn a_range_is_listed_in_the_order_of_keys(s: Subject) {
    let mut places = Vec::new();
    for owner in ["root", "a", "a-b", "a0", "system:admin"] {
        for inside in ["n/x", "n/x-y", "n-m/x", "n0/x", "x", "n/x.y", "n/x0"] {
            places.push(format!("{owner}/{inside}"));
            s.made(create(&key(&format!("{owner}/{inside}")), "1")).await;
        }
    }
    places.sort(); // by bytes
    assert_eq!(s.list(&everything(), None).await, places);
}

pub(super) async fn a_range_holds_what_is_in_it_and_nothing_else(s: Subject) {
    for place in ["a/n/x", "a/n/y", "a/nn/x", "a/x", "aa/n/x", "b/n/x"] {
        s.made(create(&key(place), "1")).await;
        s.made(create(&key_of(widgets("f00"), place), "1")).await;
    }
    let one = |scope| Range { resources: Resources::One(config_maps()), scope };
    let namespace = key("a/n/x").namespace.expect("a namespace");
    let cases = [
        (Scope::Everywhere, vec!["a/n/x", "a/n/y", "a/nn/x", "a/x", "aa/n/x", "b/n/x"]),
        (Scope::Cluster(cluster("a")), vec!["a/n/x", "a/n/y", "a/nn/x", "a/x"]),
        (Scope::Cluster(cluster("c")), vec![]),
        (Scope::Namespace(cluster("a"), namespace), vec!["a/n/x", "a/n/y"]),
        (Range::object(&key("a/n/x")).scope, vec!["a/n/x"]),
        (Range::object(&key("a/x")).scope, vec!["a/x"]),
        (Range::object(&key("a/y")).scope, vec![]),
    ];
    for (scope, places) in cases {
        let range = one(scope);
        assert_eq!(s.list(&range, None).await, places, "{range:?}");
        assert_eq!(s.store.count(&range).await, Ok(places.len() as u64), "{range:?}");
    }
}

pub(super) async fn a_list_continues_behind_a_key(s: Subject) {
    for name in ["u", "v", "w", "x", "y"] {
        s.made(create(&key(&format!("a/n/{name}")), name)).await;
    }
    let page = s.store.range(&everything(), None, 2, None).await.expect("lists");
    assert!(page.more);
    let last = &page.items[1].0;
    assert_eq!(place(last), "a/n/v");
    let page = s.store.range(&everything(), Some(last), 3, None).await.expect("lists");
    assert_eq!((page.items.len(), page.more), (3, false));
    // The key need not be there any more, nor ever have been.
    let gone = key("a/n/vv");
    let page = s.store.range(&everything(), Some(&gone), 1, None).await.expect("lists");
    assert_eq!((place(&page.items[0].0).as_str(), page.more), ("a/n/w", true));
}

pub(super) async fn every_identity_is_listed_by_one_range(s: Subject) {
    for (identity, owner) in [("f00", "b"), ("f00", "a"), ("b4r", "a"), ("b4r", "c")] {
        s.made(create(&key_of(widgets(identity), &format!("{owner}/x")), identity)).await;
    }
    s.made(create(&key_of(crate::ResourceKey::custom("example.io", "widgets"), "a/x"), "crd")).await;
    s.made(create(&key_of(crate::ResourceKey::custom("example.io", "widgetsets"), "a/x"), "other")).await;
    let resources = Resources::EveryIdentity { group: "example.io".into(), resource: "widgets".into() };
    let range = Range { resources: resources.clone(), scope: Scope::Everywhere };
    assert_eq!(s.list(&range, None).await, ["a/x", "a/x", "c/x", "a/x", "b/x"]);
    assert_eq!(s.store.count(&range).await, Ok(5));
    let range = Range { resources, scope: Scope::Cluster(cluster("a")) };
    assert_eq!(s.list(&range, None).await.len(), 3);
    let page = s.store.range(&range, None, 2, None).await.expect("lists");
    assert!(page.more);
    let rest = s.store.range(&range, Some(&page.items[1].0), 2, None).await.expect("lists");
    assert_eq!((rest.items.len(), rest.more), (1, false));
    assert_eq!(s.events(&range, Revision(1)).await.len(), 3);
}

pub(super) async fn keys_of_a_logical_cluster_are_found(s: Subject) {
    let mut ours = Vec::new();
    for place in ["a/n/x", "a/y", "aa/n/x", "b/x"] {
        for resource in [config_maps(), widgets("f00"), widgets("b4r")] {
            let key = key_of(resource, place);
            s.made(create(&key, "1")).await;
            if place.starts_with("a/") {
                ours.push(key);
            }
        }
    }
    ours.sort();
    let all = s.store.cluster_keys(&cluster("a"), None, 100).await.expect("lists");
    assert_eq!(all, ours);
    let rest = s.store.cluster_keys(&cluster("a"), Some(&ours[1]), 2).await.expect("lists");
    assert_eq!(rest, ours[2..4]);
    s.made(delete(&ours[0])).await;
    let all = s.store.cluster_keys(&cluster("a"), None, 100).await.expect("lists");
    assert_eq!(all, ours[1..]);
}

pub(super) async fn a_list_goes_on_at_its_revision(s: Subject) {
    for name in ["u", "v", "w", "x"] {
        s.made(create(&key(&format!("a/n/{name}")), "old")).await;
    }
    let then = s.store.revision();
    s.made(put(&key("a/n/v"), "new")).await;
    s.made(put(&key("a/n/v"), "newer")).await;
    s.made(delete(&key("a/n/w"))).await;
    s.made(create(&key("a/n/ww"), "new")).await;
    s.made(delete(&key("a/n/x"))).await;
    s.made(create(&key("a/n/x"), "again")).await;
    let range = everything();
    let page = s.store.range(&range, None, 2, Some(then)).await.expect("lists");
    assert_eq!((page.revision, page.more), (then, true));
    let rest = s.store.range(&range, Some(&page.items[1].0), 9, Some(then)).await.expect("lists");
    let items = [page.items, rest.items].concat();
    assert_eq!(
        items.iter().map(|(key, _)| place(key)).collect::<Vec<_>>(),
        ["a/n/u", "a/n/v", "a/n/w", "a/n/x"]
    );
    for (_, record) in &items {
        assert_eq!(record.value, sealed("old"));
        assert!(record.modified <= then);
    }
    assert_eq!(s.list(&range, None).await, ["a/n/u", "a/n/v", "a/n/ww", "a/n/x"]);
    assert_eq!(s.list(&range, Some(Revision(1))).await, Vec::<String>::new());
}

pub(super) async fn revisions_of_the_future_are_refused(s: Subject) {
    let newest = s.made(create(&key("a/n/x"), "1")).await;
    let future = Error::Future { asked: newest.next(), newest };
    let range = everything();
    assert_eq!(s.store.range(&range, None, 1, Some(newest.next())).await.err(), Some(future.clone()));
    assert_eq!(s.store.events(&range, newest.next(), 1).await.err(), Some(future.clone()));
    assert_eq!(s.store.compact(newest.next()).await, Err(future));
}

pub(super) async fn notes_are_kept(s: Subject) {
    let before = s.store.revision();
    assert_eq!(s.store.note("mark").await, Ok(None));
    assert_eq!(s.store.set_note("mark", Some("17".into())).await, Ok(()));
    assert_eq!(s.store.set_note("mark/2", Some("".into())).await, Ok(()));
    assert_eq!(s.store.note("mark").await, Ok(Some("17".into())));
    assert_eq!(s.store.note("mark/2").await, Ok(Some("".into())));
    assert_eq!(s.store.set_note("mark", None).await, Ok(()));
    assert_eq!(s.store.note("mark").await, Ok(None));
    let large = vec![0; crate::NOTE_LIMIT + 1].into();
    assert!(matches!(s.store.set_note("mark", Some(large)).await, Err(Error::TooLarge { .. })));
    assert_eq!(s.store.revision(), before, "notes have no revision");
}
