//! From a container of a pod spec to what `container-init` is told.

use std::{collections::BTreeSet, fs, net::Ipv4Addr, path::PathBuf};

use k8s_openapi::api::core::v1::{Container, SecurityContext};

use super::{
    env,
    runner::{PodGround, Problem},
    volumes,
};
use crate::container::{self, DEFAULT_CAPABILITIES, Mount};

/// A container ready to start.
pub(crate) struct Described {
    /// The description for `container-init`.
    pub(crate) file: PathBuf,
    /// Where the container leaves its termination message.
    pub(crate) termination: PathBuf,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) working_dir: String,
    pub(crate) address: Ipv4Addr,
}

/// Resolves all that the container refers to and writes its description.
///
/// # Errors
/// What is missing or wrong, in the kubelet's words.
pub(crate) fn container(ground: &PodGround, wanted: &Container) -> Result<Described, Problem> {
    let config = |error: &dyn std::fmt::Display| Problem::config(error.to_string());
    let env = env::of(&ground.pod, wanted, &ground.node.feed.read()).map_err(|error| config(&error))?;
    let argv = argv(wanted, &env)?;
    let mut mounts = volumes::mounts(wanted, &env, &ground.placed).map_err(|error| config(&error))?;
    let directory = ground.directory.join("containers").join(&wanted.name);
    let root = directory.join("root");
    fs::create_dir_all(&root)?;
    let termination = directory.join("termination");
    fs::write(&termination, "")?;
    let target = wanted.termination_message_path.as_deref().filter(|path| !path.is_empty());
    mounts.push(Mount {
        source: termination.clone(),
        target: PathBuf::from(target.unwrap_or("/dev/termination-log")),
        read_only: false,
    });
    let security = wanted.security_context.clone().unwrap_or_default();
    let working_dir =
        wanted.working_dir.clone().filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned());
    let description = container::Container {
        argv,
        env: env.clone(),
        working_dir: PathBuf::from(&working_dir),
        root,
        read_only_root: security.read_only_root_filesystem == Some(true),
        executable: ground.node.layout.executable(),
        etc: ground.directory.join("etc"),
        mounts,
        capabilities: capabilities(&security),
        no_new_privileges: security.allow_privilege_escalation == Some(false),
    };
    let file = directory.join("description");
    fs::write(&file, serde_json::to_vec(&description).map_err(|error| config(&error))?)?;
    let address = ground.pod.status.as_ref().and_then(|status| status.pod_ip.as_deref()?.parse().ok());
    let address = address.unwrap_or(Ipv4Addr::LOCALHOST);
    Ok(Described { file, termination, env, working_dir, address })
}

fn argv(wanted: &Container, env: &[(String, String)]) -> Result<Vec<String>, Problem> {
    let command = wanted.command.as_deref().unwrap_or_default();
    if command.is_empty() {
        let image = wanted.image.as_deref().unwrap_or_default();
        return Err(Problem {
            reason: "ErrImagePull",
            message: format!(
                "a sandbox has no images, so it does not know the command of {image}: set `command`"
            ),
        });
    }
    let arguments = wanted.args.as_deref().unwrap_or_default();
    Ok(command.iter().chain(arguments).map(|part| env::expand_from(part, env)).collect())
}

/// The runtime's default, less what is dropped, more what is added.
fn capabilities(security: &SecurityContext) -> Vec<String> {
    if security.privileged == Some(true) {
        return vec!["ALL".to_owned()];
    }
    let changes = security.capabilities.clone().unwrap_or_default();
    let name = |name: String| name.to_uppercase().trim_start_matches("CAP_").to_owned();
    let dropped: BTreeSet<String> = changes.drop.into_iter().flatten().map(name).collect();
    let all_dropped = dropped.contains("ALL");
    let kept = DEFAULT_CAPABILITIES.iter().filter(|name| !all_dropped && !dropped.contains(**name));
    kept.map(|name| (*name).to_owned()).chain(changes.add.into_iter().flatten().map(name)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(security: serde_json::Value) -> String {
        capabilities(&serde_json::from_value(security).unwrap()).join(" ")
    }

    #[test]
    fn rights_are_the_default_less_the_dropped_more_the_added() {
        assert_eq!(check(json!({ "capabilities": { "drop": ["ALL"] } })), "");
        assert_eq!(
            check(json!({ "capabilities": { "drop": ["all"], "add": ["CAP_NET_BIND_SERVICE"] } })),
            "NET_BIND_SERVICE"
        );
        assert!(!check(json!({ "capabilities": { "drop": ["CHOWN"] } })).contains("CHOWN"));
        assert_eq!(check(json!({ "privileged": true })), "ALL");
    }

    #[test]
    fn command_and_arguments_see_the_environment() {
        let wanted = json!({ "name": "c", "command": ["/kcp", "start"], "args": ["--x=$(A)"] });
        let argv = argv(&serde_json::from_value(wanted).unwrap(), &[("A".into(), "1".into())]).unwrap();
        assert_eq!(argv, ["/kcp", "start", "--x=1"]);
    }
}
