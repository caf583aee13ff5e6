//! The manifests that are part of the executable (`build.rs`).

use anyhow::Context;
use kube::core::DynamicObject;

use super::manifests;

mod files {
    include!(concat!(env!("OUT_DIR"), "/manifests.rs"));
}

/// What installs the operator.
pub(super) fn operator() -> anyhow::Result<Vec<DynamicObject>> {
    parse(files::OPERATOR)
}

/// A first installation of kcp.
pub(super) fn samples() -> anyhow::Result<Vec<DynamicObject>> {
    parse(files::SAMPLES)
}

fn parse(files: &[(&str, &str)]) -> anyhow::Result<Vec<DynamicObject>> {
    let mut objects = Vec::new();
    for (name, text) in files {
        objects.extend(manifests::parse(text).with_context(|| (*name).to_owned())?);
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_kinds_are_part_of_the_executable() {
        let objects = operator().unwrap();
        let names: Vec<_> = objects.iter().filter_map(|object| object.metadata.name.as_deref()).collect();
        assert!(names.contains(&"rootshards.operator.kcp.io"), "{names:?}");
        samples().unwrap();
    }
}
