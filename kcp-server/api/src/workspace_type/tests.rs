use super::*;
use crate::types::{
    ObjectMeta,
    apis::{ClaimSelector, PermissionClaim},
    tenancy::{BindingLifecycle, DefaultBinding, Extend, TypeSelector, WorkspaceTypeSpec},
};

/// Types by `<path>:<name>`, each in a logical cluster of its own name.
#[derive(Default)]
struct Types(Vec<PlacedType>);

fn reference(text: &str) -> TypeReference {
    let (path, name) = text.rsplit_once(':').unwrap_or(("", text));
    TypeReference { path: path.into(), name: name.into() }
}

fn references(texts: &[&str]) -> Vec<TypeReference> {
    texts.iter().map(|text| reference(text)).collect()
}

impl Types {
    fn with(mut self, name: &str, extends: &[&str], change: impl FnOnce(&mut WorkspaceTypeSpec)) -> Self {
        let place = reference(name);
        let mut spec = WorkspaceTypeSpec {
            extend: Extend { with: references(extends) },
            ..WorkspaceTypeSpec::default()
        };
        change(&mut spec);
        let mut metadata = ObjectMeta::named(place.name);
        metadata.annotations.insert(annotation::PATH.into(), place.path.clone());
        let cluster = ClusterName::parse(&place.path.replace(':', "-")).expect("a name");
        let object = WorkspaceType { metadata, spec, ..WorkspaceType::default() };
        self.0.push(PlacedType { cluster, object: Arc::new(object) });
        self
    }

    fn find(&self, path: &str, name: &str) -> Option<PlacedType> {
        let here = |placed: &&PlacedType| placed.path() == path || placed.cluster.as_str() == path;
        self.0.iter().filter(here).find(|placed| placed.name() == name).cloned()
    }

    fn closure(&self, name: &str) -> Result<Closure, TypeError> {
        let reference = reference(name);
        let kind = self.find(&reference.path, &reference.name).expect("a type");
        Closure::of(kind, |path, name| self.find(path, name))
    }
}

fn plain(_: &mut WorkspaceTypeSpec) {}

fn initializes(spec: &mut WorkspaceTypeSpec) {
    spec.initializer = true;
    spec.terminator = true;
}

fn parents(types: &'static [&'static str]) -> impl FnOnce(&mut WorkspaceTypeSpec) {
    move |spec| {
        spec.limit_allowed_parents = Some(TypeSelector { none: types.is_empty(), types: references(types) });
    }
}

fn children(types: &'static [&'static str]) -> impl FnOnce(&mut WorkspaceTypeSpec) {
    move |spec| {
        spec.limit_allowed_children = Some(TypeSelector { none: types.is_empty(), types: references(types) });
    }
}

#[test]
fn a_name_is_looked_for_on_the_way_up_and_then_in_root() {
    let types = Types::default().with("root:org:a", &[], plain).with("root:a", &[], plain);
    let check = |text: &str, from: &str, expected: Result<&str, &str>| {
        let found = resolve(&reference(text), from, |path, name| types.find(path, name));
        let found = found.map(|found| found.qualified()).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text} from {from}");
    };
    check("a", "root:org:team:x", Ok("root:org:a"));
    check("a", "root:other", Ok("root:a"));
    check("a", "36ks9xj4a2n61", Ok("root:a"));
    check("root-org:a", "root", Ok("root:org:a"));
    check("b", "root:org", Err("workspace type \"b\" cannot be resolved"));
    let text = "Internal error occurred: workspacetypes.tenancy.kcp.io \"root:org:b\" not found";
    check("root:org:b", "root", Err(text));
}

#[test]
fn the_parents_type_is_read_from_its_logical_cluster() {
    assert_eq!(parent_type(Some("root:org:team")), Ok(reference("root:org:team")));
    assert_eq!(parent_type(None), Err(TypeError::NoParentType));
    assert_eq!(parent_type(Some("team")), Err(TypeError::BadParentType));
}

#[test]
fn aliases_are_bases_first_and_each_once() {
    let types = Types::default()
        .with("root:u", &[], initializes)
        .with("root:a", &["u"], initializes)
        .with("root:b", &["root:u"], plain)
        .with("root:t", &["root:a", "root:b"], initializes);
    let closure = types.closure("root:t").expect("aliases");
    let names: Vec<_> = closure.aliases().iter().map(PlacedType::name).collect();
    assert_eq!(names, ["a", "u", "b", "t"]);
    assert_eq!(closure.initializers(), ["root:a", "root:u", "root:t"]);
    assert_eq!(closure.terminators(), ["root:a", "root:u", "root:t"]);
}

#[test]
fn circles_and_gaps_are_told() {
    let types = Types::default()
        .with("root:a", &["root:b"], plain)
        .with("root:b", &["root:c"], plain)
        .with("root:c", &["root:b"], plain)
        .with("root:d", &["root:nothing"], plain);
    let error = |name| types.closure(name).expect_err(name).to_string();
    let circle = "circular dependency detected in workspace type root:b: root:b -> root:c";
    assert_eq!(error("root:a"), circle);
    assert_eq!(error("root:d"), "unable to find inherited workspace type nothing");
    let mut long = Types::default();
    for at in 0..MOST_ALIASES + 2 {
        let next = format!("root:t{}", at + 1);
        long = long.with(&format!("root:t{at}"), &[&next], plain);
    }
    assert_eq!(long.closure("root:t0"), Err(TypeError::TooMany("root:t0".into())));
}

#[test]
fn default_exports_are_the_union() {
    let binding = |path: &str, export: &str| DefaultBinding { path: path.into(), export: export.into() };
    let types = Types::default()
        .with("root:u", &[], |spec| {
            spec.default_api_bindings = vec![binding("root", "tenancy"), binding("", "own")];
        })
        .with("root:org:t", &["root:u"], |spec| {
            spec.default_api_bindings = vec![binding("root", "tenancy"), binding("", "own")];
            spec.default_api_binding_lifecycle = Some(BindingLifecycle::Maintain);
        });
    let closure = types.closure("root:org:t").expect("aliases");
    let expected = [
        (binding("root", "tenancy"), true),
        (binding("root", "own"), false),
        (binding("root-org", "own"), true),
    ];
    assert_eq!(closure.default_bindings(), expected);
    assert_eq!(closure.initializers(), ["system:apibindings"]);
}

fn check_place(parent: &str, child: &str, expected: Option<&str>) {
    let types = Types::default()
        .with("root:universal", &[], plain)
        .with("root:root", &["universal"], parents(&[]))
        .with("root:organization", &["universal"], parents(&["root:root"]))
        .with("root:team", &["universal"], parents(&["root:organization", "root:team"]))
        .with("root:lonely", &[], children(&[]))
        .with("root:strict", &[], children(&["root:team", "root:a"]))
        .with("root:squad", &["team"], plain);
    let (parents, children) = (types.closure(parent).expect("parent"), types.closure(child).expect("child"));
    let result = check_limits(&parents, parent, &children, child);
    assert_eq!(result.err().map(|error| error.to_string()).as_deref(), expected, "{child} in {parent}");
}

#[test]
fn limits_name_what_is_allowed_and_what_is_there() {
    check_place("root:root", "root:organization", None);
    check_place("root:organization", "root:team", None);
    check_place(
        "root:strict",
        "root:squad",
        Some(
            "workspace type root:squad extends root:team, which only allows [root:organization root:team] \
         parent workspaces, but parent type root:strict only implements [root:strict]",
        ),
    );
    check_place("root:universal", "root:root", Some("workspace type root:root cannot have any parent"));
    check_place("root:lonely", "root:universal", Some("workspace type root:lonely cannot have any child"));
    check_place(
        "root:strict",
        "root:universal",
        Some(
            "workspace type root:strict only allows [root:a root:team] child workspaces, \
         but child type root:universal only implements [root:universal]",
        ),
    );
}

#[test]
fn a_default_binding_accepts_every_claim() {
    let claim =
        PermissionClaim { resource: "configmaps".into(), verbs: vec!["get".into()], ..Default::default() };
    let selector = ClaimSelector { match_labels: [("a".into(), "b".into())].into(), ..Default::default() };
    let narrow = PermissionClaim { default_selector: Some(selector.clone()), ..claim.clone() };
    let export = DefaultBinding { path: "root".into(), export: "tenancy.kcp.io".into() };
    let made = default_binding(&ClusterName::root(), &export, &[claim.clone(), narrow.clone()], false);
    assert_eq!(made.metadata.name, "tenancy.kcp.io-by23s");
    let [all, some] = made.spec.permission_claims.as_slice() else { panic!("two claims") };
    assert_eq!((&all.selector, &some.selector), (&ClaimSelector::all(), &selector));
    assert_eq!((&all.claim, &some.claim), (&claim, &narrow));
    let kept = default_binding(&ClusterName::root(), &export, &[narrow], true);
    assert_eq!(kept.spec.permission_claims[0].claim, claim);
}
