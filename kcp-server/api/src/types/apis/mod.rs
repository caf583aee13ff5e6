//! `apis.kcp.io`: APIs that workspaces share. Exports and bindings are v1alpha2, the stored version;
//! [`crate::convert`] carries them from and to v1alpha1.

mod binding;
mod claim;
mod export;
mod schema;

pub use binding::{
    APIBinding, APIBindingSpec, APIBindingStatus, BindingPhase, BindingReference, BoundResource, BoundSchema,
    ExportReference,
};
pub use claim::{AcceptableClaim, ClaimKey, ClaimSelector, ClaimState, PermissionClaim, ScopedClaim};
pub use export::{
    APIExport, APIExportEndpointSlice, APIExportSpec, APIExportStatus, CrdStorage, EndpointSliceSpec,
    Identity, MaximalPermissionPolicy, ResourceSchema, Storage, VirtualReference, VirtualStorage,
    VirtualWorkspace,
};
pub use schema::{
    APIConversion, APIResourceSchema, APIResourceSchemaSpec, ApiVersion, ConversionPath, ConversionRule,
    ConversionSpec, Names, SchemaConversion, Webhook, WebhookClient,
};
