use kube::runtime::watcher::Event;
use serde_json::{Value, json};

use super::*;

fn pod(volume: Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": { "namespace": "ns", "name": "p", "labels": { "app": "web" } },
        "spec": { "containers": [{ "name": "c", "resources": { "limits": { "cpu": "2" } } }], "volumes": [volume] },
    }))
    .unwrap()
}

fn known() -> Known {
    let mut known = Known::default();
    let secret =
        json!({ "metadata": { "namespace": "ns", "name": "s" }, "data": { "a": "QQ==", "b": "Qg==" } });
    known.secrets.observe(Event::Apply(serde_json::from_value(secret).unwrap()));
    let map = json!({ "metadata": { "namespace": "ns", "name": "m" }, "data": { "t": "T" }, "binaryData": { "x": "WA==" } });
    known.config_maps.observe(Event::Apply(serde_json::from_value(map).unwrap()));
    let claim = json!({ "metadata": { "namespace": "ns", "name": "c", "uid": "c-uid" } });
    known.claims.observe(Event::Apply(serde_json::from_value(claim).unwrap()));
    known
}

/// The files of the volume as `path=text:mode`, or what it is instead.
fn check(mut volume: Value) -> String {
    volume["name"] = json!("v");
    let tokens = BTreeMap::from([(TokenWish { audience: None, seconds: 3600 }, Ok("tok".to_owned()))]);
    match sources(&pod(volume), &known(), &tokens) {
        Err(error) => error.to_string(),
        Ok(sources) => match &sources["v"] {
            Source::Scratch => "scratch".to_owned(),
            Source::Claim { uid, .. } => format!("claim {uid}"),
            Source::Files(contents) => {
                let file = |(path, content): (&String, &Content)| {
                    format!("{path}={}:{:o}", String::from_utf8_lossy(&content.bytes), content.mode)
                };
                contents.0.iter().map(file).collect::<Vec<_>>().join(" ")
            }
        },
    }
}

#[test]
fn volumes_hold_what_their_objects_hold() {
    assert_eq!(check(json!({ "secret": { "secretName": "s" } })), "a=A:644 b=B:644");
    assert_eq!(
        check(json!({ "secret": { "secretName": "s", "defaultMode": 0o400,
                                  "items": [{ "key": "a", "path": "d/e", "mode": 0o600 }, { "key": "b", "path": "f" }] } })),
        "d/e=A:600 f=B:400"
    );
    assert_eq!(check(json!({ "configMap": { "name": "m" } })), "t=T:644 x=X:644");
    assert_eq!(check(json!({ "emptyDir": {} })), "scratch");
    assert_eq!(check(json!({ "persistentVolumeClaim": { "claimName": "c" } })), "claim c-uid");
    assert_eq!(
        check(json!({ "downwardAPI": { "items": [
            { "path": "labels", "fieldRef": { "fieldPath": "metadata.labels" } },
            { "path": "cpu", "resourceFieldRef": { "containerName": "c", "resource": "limits.cpu" } }] } })),
        "cpu=2:644 labels=app=\"web\":644"
    );
    assert_eq!(
        check(json!({ "projected": { "sources": [
            { "serviceAccountToken": { "path": "token" } },
            { "configMap": { "name": "m", "items": [{ "key": "t", "path": "ca.crt" }] } }] } })),
        "ca.crt=T:644 token=tok:600"
    );
}

#[test]
fn what_is_missing_is_named_unless_it_is_optional() {
    assert_eq!(
        check(json!({ "secret": { "secretName": "z" } })),
        "MountVolume.SetUp failed for volume \"v\": secret \"z\" not found"
    );
    assert_eq!(check(json!({ "secret": { "secretName": "z", "optional": true } })), "");
    assert_eq!(
        check(json!({ "configMap": { "name": "m", "items": [{ "key": "q", "path": "q" }] } })),
        "MountVolume.SetUp failed for volume \"v\": references non-existent key: q"
    );
    assert_eq!(
        check(json!({ "hostPath": { "path": "/" } })),
        "volume \"v\": hostPath is not available in a sandbox"
    );
}

#[test]
fn every_container_gets_the_token_unless_told_not_to() {
    let plain = pod(json!({ "name": "v", "emptyDir": {} }));
    let mounted = |pod: &Pod| {
        let mounts = pod.spec.as_ref().unwrap().containers[0].volume_mounts.clone().unwrap_or_default();
        mounts.iter().any(|mount| mount.mount_path == ACCOUNT_PATH)
    };
    let given = with_account(&plain, &known());
    assert!(mounted(&given));
    assert_eq!(token_wishes(&given), [TokenWish { audience: None, seconds: TOKEN_SECONDS }]);
    let mut without = plain;
    without.spec.as_mut().unwrap().automount_service_account_token = Some(false);
    assert!(!mounted(&with_account(&without, &known())));
}

#[test]
fn a_sub_path_stays_in_its_volume() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("v")).unwrap();
    std::os::unix::fs::symlink("..", directory.path().join("v/up")).unwrap();
    let volume = directory.path().join("v");
    assert!(below(&volume, "../x", true).is_err());
    assert!(below(&volume, "up", false).is_err());
    assert!(below(&volume, "new/one", true).unwrap().ends_with("v/new/one"));
    assert!(below(&volume, "absent", false).is_err());
}

#[test]
fn a_mount_inside_a_read_only_one_has_its_point_made_beforehand() {
    let directory = tempfile::tempdir().unwrap();
    let placed: BTreeMap<String, Placed> = ["outer", "inner"]
        .map(|name| {
            let directory = directory.path().join(name);
            std::fs::create_dir(&directory).unwrap();
            (name.to_owned(), Placed { directory, read_only: true })
        })
        .into();
    let container = json!({ "name": "c", "volumeMounts": [
        { "name": "inner", "mountPath": "/etc/ca/requestheader" }, { "name": "outer", "mountPath": "/etc/ca" }] });
    mounts(&serde_json::from_value(container).unwrap(), &[], &placed).unwrap();
    assert!(directory.path().join("outer/requestheader").is_dir());
}
