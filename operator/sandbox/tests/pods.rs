//! Real pods in a real sandbox, seen through its API as any client sees it.

mod sandbox;

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{DeleteParams, LogParams};
use sandbox::{Sandbox, User};
use serde_json::json;

/// A web server in two pods behind a Service, and a client that fetches a file from it by the Service's name. The file
/// is a key of a ConfigMap.
const WEB: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: content}
data: {greeting: "hello from the web"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: server
        image: any
        workingDir: /content
        command: [python3, -m, http.server, "8080"]
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /greeting, port: http}, periodSeconds: 1}
        volumeMounts: [{name: content, mountPath: /content}]
      volumes: [{name: content, configMap: {name: content}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  restartPolicy: OnFailure
  containers:
  - name: client
    image: any
    command: [python3, -c, "import os,urllib.request as u; print(u.urlopen(os.environ['URL']).read().decode())"]
    env: [{name: NS, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}},
          {name: URL, value: "http://web.$(NS).svc.cluster.local/greeting"}]
"#;

/// Appends a line to a file of its claim at each start, tells all of them, and runs until it is ended.
const LEDGER: &str = r#"
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ledger}
spec:
  replicas: 1
  serviceName: ledger
  selector: {matchLabels: {app: ledger}}
  template:
    metadata: {labels: {app: ledger}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: ledger
        image: any
        command: [sh, -c, "trap 'exit 0' TERM; echo started >> /data/ledger; cat /data/ledger; while true; do sleep 0.1; done"]
        args: []
        env: [{name: MARK, value: "MARK"}]
        securityContext:
          readOnlyRootFilesystem: true
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
        readinessProbe: {exec: {command: [test, -s, /data/ledger]}, periodSeconds: 1}
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
"#;

#[tokio::test]
async fn a_service_is_reached_by_its_name_and_logs_are_read() {
    if !sandbox::is_allowed() {
        return;
    }
    let mut sandbox = Sandbox::start(User::Same, WEB).await;
    let client: Pod =
        sandbox.until("client", |pod: &Pod| phase(pod) == "Succeeded", "the client has succeeded").await;
    assert_eq!(client.spec.unwrap().node_name.as_deref(), Some("sandbox"));
    let pods = sandbox.api::<Pod>();
    assert_eq!(pods.logs("client", &LogParams::default()).await.unwrap().trim(), "hello from the web");
    sandbox.stop().await;
}

#[tokio::test]
async fn data_of_claims_outlives_the_sandbox_and_pods_do_not() {
    if !sandbox::is_allowed() {
        return;
    }
    let mut sandbox = Sandbox::start(User::Same, LEDGER).await;
    let ready = |pod: &Pod| is_ready(pod);
    sandbox.until("ledger-0", ready, "the ledger is ready").await;
    let claim: PersistentVolumeClaim = sandbox.api().get("data-ledger-0").await.unwrap();
    assert_eq!(claim.status.unwrap().phase.as_deref(), Some("Bound"));
    assert_eq!(sandbox.containers(), 1);
    sandbox.kill().await;
    assert_eq!(sandbox.containers(), 0, "a killed sandbox leaves no pods");

    sandbox.start_again(LEDGER).await;
    let restarted = |pod: &Pod| is_ready(pod) && restarts(pod) == 1;
    sandbox.until("ledger-0", restarted, "the ledger runs again").await;
    let log = sandbox.api::<Pod>().logs("ledger-0", &LogParams::default()).await.unwrap();
    assert_eq!(log, "started\nstarted\n");
    sandbox.stop().await;
    assert_eq!(sandbox.containers(), 0, "a stopped sandbox leaves no pods");
}

#[tokio::test]
async fn an_ordinary_user_needs_nothing_more() {
    if !sandbox::is_allowed() {
        return;
    }
    let mut sandbox = Sandbox::start(User::Ordinary, LEDGER).await;
    sandbox.until("ledger-0", is_ready, "the ledger is ready").await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_deleted_pod_is_replaced_and_a_broken_one_says_why() {
    if !sandbox::is_allowed() {
        return;
    }
    let broken = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "broken" },
        "spec": { "containers": [{ "name": "c", "image": "any", "command": ["/nowhere"] }] } });
    let mut sandbox = Sandbox::start(User::Same, &format!("{LEDGER}\n---\n{broken}")).await;
    let first: Pod = sandbox.until("ledger-0", is_ready, "the ledger is ready").await;
    let pods = sandbox.api::<Pod>();
    pods.delete("ledger-0", &DeleteParams::default()).await.unwrap();
    let uid = first.metadata.uid;
    let replaced = |pod: &Pod| pod.metadata.uid != uid && is_ready(pod);
    sandbox.until("ledger-0", replaced, "another ledger is ready").await;
    let told = |pod: &Pod| {
        let statuses = pod.status.clone().unwrap_or_default().container_statuses.unwrap_or_default();
        let last = statuses.into_iter().find_map(|status| status.last_state?.terminated?.message);
        last.is_some_and(|message| message.contains("cannot start: /nowhere: No such file or directory"))
    };
    sandbox.until("broken", told, "the broken pod tells its reason").await;
    sandbox.stop().await;
}

fn phase(pod: &Pod) -> String {
    pod.status.clone().unwrap_or_default().phase.unwrap_or_default()
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.clone().unwrap_or_default().conditions.unwrap_or_default();
    conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn restarts(pod: &Pod) -> i32 {
    let statuses = pod.status.clone().unwrap_or_default().container_statuses.unwrap_or_default();
    statuses.iter().map(|status| status.restart_count).sum()
}
