use super::{Child, Node, Scalar, opaque, scalar};
use std::sync::LazyLock;

/// The shape of `metadata`, the same in every kind (merge keys and list types of `ObjectMeta`).
#[must_use]
pub fn object_meta() -> &'static Node {
    static META: LazyLock<Node> = LazyLock::new(|| {
        let strings = || Node::map_of(scalar(Scalar::String));
        Node::object()
            .with_scalars(
                Scalar::String,
                &[
                    "creationTimestamp",
                    "deletionTimestamp",
                    "generateName",
                    "name",
                    "namespace",
                    "resourceVersion",
                    "selfLink",
                    "uid",
                ],
            )
            .with_scalars(Scalar::Numeric, &["deletionGracePeriodSeconds", "generation"])
            .with("annotations", strings())
            .with("labels", strings())
            .with("finalizers", Node::set_of(scalar(Scalar::String)).patch_merge(None))
            .with("managedFields", Node::list_of(managed_fields_entry()))
            .with("ownerReferences", Node::list_map_of(owner_reference(), &["uid"]).patch_merge(Some("uid")))
    });
    &META
}

fn owner_reference() -> Node {
    Node::object()
        .with_scalars(Scalar::String, &["apiVersion", "kind", "name", "uid"])
        .with_scalars(Scalar::Boolean, &["blockOwnerDeletion", "controller"])
        .atomic()
}

fn managed_fields_entry() -> Node {
    Node::object()
        .with_scalars(
            Scalar::String,
            &["apiVersion", "fieldsType", "manager", "operation", "subresource", "time"],
        )
        .with("fieldsV1", Child::Shared(opaque))
}
