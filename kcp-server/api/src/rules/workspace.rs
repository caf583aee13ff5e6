//! Workspaces.

use crate::{
    rejection::Rejection,
    types::{
        UserInfo,
        core::Phase,
        tenancy::{Mount, MountReference, TypeReference, Workspace, WorkspaceType},
    },
    well_known::annotation,
};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    value,
};

/// Who asks for a workspace.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'c> {
    /// The user.
    pub user: &'c UserInfo,
    /// Whether the user is in `system:masters`.
    pub privileged: bool,
    /// Which groups the parent's LogicalCluster asks for.
    pub required_groups: Option<&'c str>,
}

/// Writes down who asked for a workspace, and hands on which groups may enter.
pub fn prepare_create(workspace: &mut Value, caller: Caller<'_>) {
    let given = workspace.meta().annotation(annotation::REQUIRED_GROUPS).is_some();
    let mut meta = workspace.meta_mut();
    if !caller.privileged {
        meta.set_annotation(annotation::OWNER, Some(&owner(caller.user)));
    }
    if !given || !caller.privileged {
        meta.set_annotation(annotation::REQUIRED_GROUPS, caller.required_groups);
    }
}

/// A user as the owner annotation has it.
#[must_use]
pub fn owner(user: &UserInfo) -> String {
    // Text keys and lists of text can always be written.
    serde_json::to_string(user).unwrap_or_default()
}

/// Puts the labels of the type on a new workspace. Labels that it already has stay.
pub fn add_labels(workspace: &mut Value, kind: &WorkspaceType) {
    for (key, value) in &kind.spec.additional_workspace_labels {
        if workspace.meta().label(key).is_none() {
            workspace.meta_mut().set_label(key, Some(value));
        }
    }
}

/// Checks a new workspace after [`prepare_create`].
///
/// # Errors
/// What only the system may set, an owner or groups other than the caller's, an incomplete mount.
pub fn validate_create(workspace: &Workspace, caller: Caller<'_>) -> Result<(), Rejection> {
    let spec = &workspace.spec;
    if !caller.privileged {
        check(spec.cluster.is_empty(), "spec.Cluster can only be set by system privileged users")?;
        check(spec.url.is_empty(), "spec.URL can only be set by system privileged users")?;
        let owner = owner(caller.user);
        if workspace.metadata.annotation(annotation::OWNER) != Some(&owner) {
            let text = format!("expected user annotation {}={owner}", annotation::OWNER);
            return Err(Rejection::Forbidden(text));
        }
        let groups = caller.required_groups.unwrap_or_default();
        if workspace.metadata.annotation(annotation::REQUIRED_GROUPS).unwrap_or_default() != groups {
            let text = format!("missing required groups annotation {}={groups}", annotation::REQUIRED_GROUPS);
            return Err(Rejection::Forbidden(text));
        }
    }
    let Some(Mount { reference }) = &spec.mount else { return Ok(()) };
    check(!reference.kind.is_empty(), "spec.mount.kind must be set")?;
    check(!reference.name.is_empty(), "spec.mount.name must be set")?;
    check(!reference.api_version.is_empty(), "spec.mount.apiVersion must be set")?;
    check(caller.privileged || spec.kind.is_none(), "spec.type cannot be set for mounted workspaces")
}

/// Checks a changed workspace.
///
/// # Errors
/// A change of what is fixed or the system's, and readiness without a place.
pub fn validate_update(old: &Workspace, new: &Workspace, privileged: bool) -> Result<(), Rejection> {
    match &old.spec.mount {
        None => validate_hosted(old, new, privileged),
        Some(mount) => validate_mounted(old, mount, new, privileged),
    }
}

fn validate_hosted(old: &Workspace, new: &Workspace, privileged: bool) -> Result<(), Rejection> {
    let (was, is) = (&old.spec, &new.spec);
    check(was.cluster.is_empty() || !is.cluster.is_empty(), "spec.cluster cannot be unset")?;
    let change = |same: bool, field: &str| {
        check(same || privileged, format!("{field} can only be changed by system privileged users"))
    };
    change(was.cluster == is.cluster, "spec.cluster")?;
    change(was.url == is.url, "spec.URL")?;
    if was.kind != is.kind {
        let kind = is.kind.as_ref().and_then(value::to_value).unwrap_or_default();
        let problem = Error::invalid(&Path::new("spec.type"), kind, "field is immutable");
        return Rejection::unless_empty(&[problem]);
    }
    if old.status.phase != Phase::Ready && new.status.phase == Phase::Ready {
        check(!is.cluster.is_empty(), "spec.cluster must be set for phase Ready")?;
        check(!is.url.is_empty(), "spec.URL must be set for phase Ready")?;
    }
    Ok(())
}

fn validate_mounted(
    old: &Workspace,
    mount: &Mount,
    new: &Workspace,
    privileged: bool,
) -> Result<(), Rejection> {
    let none = MountReference::default();
    let (was, is) = (&mount.reference, new.spec.mount.as_ref().map_or(&none, |mount| &mount.reference));
    check(was.kind == is.kind, "spec.mount.kind is immutable")?;
    check(was.name == is.name, "spec.mount.name is immutable")?;
    check(was.namespace == is.namespace, "spec.mount.namespace is immutable")?;
    check(was.api_version == is.api_version, "spec.mount.apiVersion is immutable")?;
    check(privileged || new.spec.kind.is_none(), "spec.type cannot be set for mounted workspaces")?;
    check(privileged || old.spec.kind == new.spec.kind, "spec.type is immutable")
}

/// The refusal for someone who may not use a type or one that it extends.
#[must_use]
pub fn no_use_permission(kind: &str) -> Rejection {
    Rejection::Forbidden(format!(
        "unable to use workspace type {kind}: missing verb='use' permission on workspacetype"
    ))
}

/// Fills in the type of a new workspace.
pub fn set_type(workspace: &mut Value, kind: &TypeReference) {
    workspace.set_at(&["spec", "type", "name"], kind.name.as_str().into());
    workspace.set_at(&["spec", "type", "path"], kind.path.as_str().into());
}

fn check(holds: bool, text: impl Into<String>) -> Result<(), Rejection> {
    if holds { Ok(()) } else { Err(Rejection::forbidden(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Kind, tenancy::WorkspaceTypeSpec};

    fn workspace(spec: Value) -> Workspace {
        Workspace::from_value(&value!({"metadata": {"name": "a"}, "spec": spec})).expect("a workspace")
    }

    fn alice() -> UserInfo {
        UserInfo { username: "alice".into(), groups: vec!["g".into()], ..UserInfo::default() }
    }

    #[test]
    fn the_owner_and_the_groups_are_written_down() {
        let user = alice();
        let mut object =
            value!({"metadata": {"annotations": {"authorization.kcp.io/required-groups": "mine"}}});
        let caller = Caller { user: &user, privileged: false, required_groups: Some("theirs") };
        prepare_create(&mut object, caller);
        let annotation = |object: &Value, key| object.meta().annotation(key).map(str::to_owned);
        let owner = Some("{\"username\":\"alice\",\"groups\":[\"g\"]}".to_owned());
        assert_eq!(annotation(&object, annotation::OWNER), owner);
        assert_eq!(annotation(&object, annotation::REQUIRED_GROUPS).as_deref(), Some("theirs"));
        let created = Workspace::from_value(&object).expect("a workspace");
        assert_eq!(validate_create(&created, caller), Ok(()));
        prepare_create(&mut object, Caller { required_groups: None, ..caller });
        assert_eq!(annotation(&object, annotation::REQUIRED_GROUPS), None);
        let mut object =
            value!({"metadata": {"annotations": {"authorization.kcp.io/required-groups": "mine"}}});
        prepare_create(&mut object, Caller { privileged: true, ..caller });
        assert_eq!(annotation(&object, annotation::REQUIRED_GROUPS).as_deref(), Some("mine"));
    }

    fn check_create(spec: Value, privileged: bool, expected: Option<&str>) {
        let user = alice();
        let caller = Caller { user: &user, privileged, required_groups: None };
        let mut workspace = workspace(spec);
        workspace.metadata.annotations.insert(annotation::OWNER.into(), owner(&user));
        let result = validate_create(&workspace, caller);
        assert_eq!(result.err().map(|error| error.to_string()).as_deref(), expected);
    }

    #[test]
    fn a_new_workspace_leaves_its_place_to_the_system() {
        let text = "spec.Cluster can only be set by system privileged users";
        check_create(value!({"cluster": "c"}), false, Some(text));
        check_create(
            value!({"URL": "u"}),
            false,
            Some("spec.URL can only be set by system privileged users"),
        );
        check_create(value!({"cluster": "c", "URL": "u"}), true, None);
        let mount = |api_version: &str, kind: &str, name: &str| value!({"ref": {"apiVersion": api_version, "kind": kind, "name": name}});
        check_create(value!({"mount": (mount("v1", "", "n"))}), true, Some("spec.mount.kind must be set"));
        check_create(value!({"mount": (mount("v1", "K", ""))}), true, Some("spec.mount.name must be set"));
        let text = "spec.mount.apiVersion must be set";
        check_create(value!({"mount": (mount("", "K", "n"))}), true, Some(text));
        let typed = value!({"mount": (mount("v1", "K", "n")), "type": {"name": "t"}});
        check_create(typed.clone(), false, Some("spec.type cannot be set for mounted workspaces"));
        check_create(typed, true, None);
    }

    #[test]
    fn a_forged_owner_is_refused() {
        let user = alice();
        let caller = Caller { user: &user, privileged: false, required_groups: Some("a") };
        let mut forged = workspace(value!({}));
        let text = "expected user annotation experimental.tenancy.kcp.io/owner={\"username\":\"alice\",\"groups\":[\"g\"]}";
        assert_eq!(validate_create(&forged, caller), Err(Rejection::forbidden(text)));
        forged.metadata.annotations.insert(annotation::OWNER.into(), owner(&user));
        let text = "missing required groups annotation authorization.kcp.io/required-groups=a";
        assert_eq!(validate_create(&forged, caller), Err(Rejection::forbidden(text)));
    }

    fn check_update(old: Value, new: Value, privileged: bool, expected: Option<&str>) {
        let result = validate_update(&workspace(old), &workspace(new), privileged);
        assert_eq!(result.err().map(|error| error.to_string()).as_deref(), expected);
    }

    #[test]
    fn a_place_stays_what_it_is() {
        let placed = value!({"cluster": "c", "URL": "u", "type": {"name": "t", "path": "root"}});
        check_update(placed.clone(), placed.clone(), false, None);
        check_update(placed.clone(), value!({}), true, Some("spec.cluster cannot be unset"));
        let moved = value!({"cluster": "d", "URL": "u", "type": {"name": "t", "path": "root"}});
        let text = "spec.cluster can only be changed by system privileged users";
        check_update(placed.clone(), moved.clone(), false, Some(text));
        check_update(placed.clone(), moved, true, None);
        let elsewhere = value!({"cluster": "c", "URL": "v", "type": {"name": "t", "path": "root"}});
        let text = "spec.URL can only be changed by system privileged users";
        check_update(placed.clone(), elsewhere, false, Some(text));
        let other = value!({"cluster": "c", "URL": "u", "type": {"name": "x", "path": "root"}});
        let text = "spec.type: Invalid value: {\"name\":\"x\",\"path\":\"root\"}: field is immutable";
        check_update(placed, other, true, Some(text));
    }

    #[test]
    fn a_mount_stays_what_it_is() {
        let mount = |kind: &str, name: &str, namespace: &str, api_version: &str| {
            value!({"mount": {"ref": {
                "kind": kind, "name": name, "namespace": namespace, "apiVersion": api_version
            }}})
        };
        let was = mount("K", "n", "s", "v1");
        check_update(was.clone(), mount("L", "n", "s", "v1"), true, Some("spec.mount.kind is immutable"));
        check_update(was.clone(), mount("K", "m", "s", "v1"), true, Some("spec.mount.name is immutable"));
        check_update(was.clone(), mount("K", "n", "", "v1"), true, Some("spec.mount.namespace is immutable"));
        check_update(
            was.clone(),
            mount("K", "n", "s", "v2"),
            true,
            Some("spec.mount.apiVersion is immutable"),
        );
        check_update(was.clone(), value!({}), true, Some("spec.mount.kind is immutable"));
        let mut typed = was.clone();
        typed.set_at(&["type", "name"], "t".into());
        check_update(was, typed, false, Some("spec.type cannot be set for mounted workspaces"));
    }

    #[test]
    fn readiness_needs_a_place() {
        let with_phase = |spec: Value, phase: &str| {
            let object = value!({"spec": spec, "status": {"phase": phase}});
            Workspace::from_value(&object).expect("a workspace")
        };
        let check = |spec: Value, expected: &str| {
            let (old, new) = (with_phase(spec.clone(), "Initializing"), with_phase(spec, "Ready"));
            assert_eq!(validate_update(&old, &new, true), Err(Rejection::forbidden(expected)));
        };
        check(value!({"URL": "u"}), "spec.cluster must be set for phase Ready");
        check(value!({"cluster": "c"}), "spec.URL must be set for phase Ready");
    }

    #[test]
    fn labels_of_the_type_do_not_replace_others() {
        let mut object = value!({"metadata": {"labels": {"a": "own"}}});
        let labels = [("a", "type"), ("b", "type")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let spec =
            WorkspaceTypeSpec { additional_workspace_labels: labels.into(), ..WorkspaceTypeSpec::default() };
        add_labels(&mut object, &WorkspaceType { spec, ..WorkspaceType::default() });
        assert_eq!((object.meta().label("a"), object.meta().label("b")), (Some("own"), Some("type")));
    }
}
