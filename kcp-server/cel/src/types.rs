use crate::decl::Object;
use std::{fmt, sync::Arc};

/// The type of an expression.
#[derive(Clone, Debug)]
pub enum Type {
    /// Anything; decided when it is evaluated.
    Dyn,
    /// What has no type, after a problem has been told.
    Error,
    /// `null`
    Null,
    /// `bool`
    Bool,
    /// `int`: 64 bits with sign.
    Int,
    /// `uint`: 64 bits without.
    Uint,
    /// `double`
    Double,
    /// `string`
    String,
    /// `bytes`
    Bytes,
    /// `duration`
    Duration,
    /// `timestamp`
    Timestamp,
    /// `list(T)`
    List(Arc<Type>),
    /// `map(K, V)`
    Map(Arc<(Type, Type)>),
    /// An object with named members.
    Object(Arc<Object>),
    /// `optional_type(T)`
    Optional(Arc<Type>),
    /// The type of types; of one type if it is known.
    Type(Option<Arc<Type>>),
    /// One of Kubernetes' own.
    Opaque(Opaque),
    /// To be found out.
    Param(u32),
}

/// The types of Kubernetes' libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opaque {
    /// An IP address.
    Ip,
    /// A network: an IP address and the length of a prefix.
    Cidr,
    /// A URL.
    Url,
    /// An amount with a suffix.
    Quantity,
    /// A version.
    Semver,
    /// A named format of strings.
    Format,
    /// Asks what a user may do.
    Authorizer,
    /// A question about a path that is no resource.
    PathCheck,
    /// A question about an API group.
    GroupCheck,
    /// A question about a resource.
    ResourceCheck,
    /// The answer.
    Decision,
}

impl Opaque {
    /// The name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ip => "net.IP",
            Self::Cidr => "net.CIDR",
            Self::Url => "kubernetes.URL",
            Self::Quantity => "kubernetes.Quantity",
            Self::Semver => "kubernetes.Semver",
            Self::Format => "kubernetes.NamedFormat",
            Self::Authorizer => "kubernetes.authorization.Authorizer",
            Self::PathCheck => "kubernetes.authorization.PathCheck",
            Self::GroupCheck => "kubernetes.authorization.GroupCheck",
            Self::ResourceCheck => "kubernetes.authorization.ResourceCheck",
            Self::Decision => "kubernetes.authorization.Decision",
        }
    }
}

impl Type {
    /// `list(items)`
    #[must_use]
    pub fn list(items: Self) -> Self {
        Self::List(Arc::new(items))
    }

    /// `map(keys, values)`
    #[must_use]
    pub fn map(keys: Self, values: Self) -> Self {
        Self::Map(Arc::new((keys, values)))
    }

    /// `optional_type(inner)`
    #[must_use]
    pub fn optional(inner: Self) -> Self {
        Self::Optional(Arc::new(inner))
    }

    pub(crate) fn type_of(inner: Self) -> Self {
        Self::Type(Some(Arc::new(inner)))
    }

    pub(crate) fn is_dyn(&self) -> bool {
        matches!(self, Self::Dyn)
    }

    pub(crate) fn is_dyn_or_error(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    /// The type within an optional, and whether it was one.
    pub(crate) fn unwrapped(&self) -> (&Self, bool) {
        if let Self::Optional(inner) = self { (inner, true) } else { (self, false) }
    }
}

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(a), Self::List(b)) | (Self::Optional(a), Self::Optional(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => Arc::ptr_eq(a, b),
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Opaque(a), Self::Opaque(b)) => a == b,
            (Self::Param(a), Self::Param(b)) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn => f.write_str("dyn"),
            Self::Error => f.write_str("!error!"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Duration => f.write_str("duration"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::List(items) => write!(f, "list({items})"),
            Self::Map(parts) => write!(f, "map({}, {})", parts.0, parts.1),
            Self::Object(object) => f.write_str(object.name()),
            Self::Optional(inner) => write!(f, "optional_type({inner})"),
            Self::Type(None) => f.write_str("type"),
            Self::Type(Some(inner)) => write!(f, "type({inner})"),
            Self::Opaque(opaque) => f.write_str(opaque.name()),
            Self::Param(number) => write!(f, "_var{number}"),
        }
    }
}
