//! The functions of expressions: which there are ([`table`]) and what they do.
//!
//! Each file has the functions of one subject. It is asked for any function with any arguments and says
//! `None` where the function is somebody else's or not for these arguments; so types that only `dyn`
//! lets through end as "no such overload".

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a file names its functions and their types, not all others"
)]

mod signature;
pub(crate) mod table;

/// What a function does. Overloads that differ only in types share one; it looks at its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Conditional,
    And,
    Or,
    Not,
    NotStrictlyFalse,
    Equals,
    NotEquals,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Negate,
    Less,
    LessEquals,
    Greater,
    GreaterEquals,
    Index,
    In,
    TypeOf,
    ToDyn,
    ToBool,
    ToBytes,
    ToDouble,
    ToDuration,
    ToInt,
    ToString,
    ToTimestamp,
    ToUint,
    Size,
    Contains,
    EndsWith,
    StartsWith,
    Matches,
    FullYear,
    Month,
    DayOfYear,
    DayOfMonth,
    Date,
    DayOfWeek,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
    CharAt,
    IndexOf,
    LastIndexOf,
    LowerAscii,
    UpperAscii,
    Replace,
    Split,
    Substring,
    Trim,
    Join,
    Format,
    Quote,
    IsSorted,
    SumInt,
    SumUint,
    SumDouble,
    SumDuration,
    Max,
    Min,
    Find,
    FindAll,
    ToUrl,
    IsUrl,
    Scheme,
    Host,
    Hostname,
    Port,
    EscapedPath,
    Query,
    AuthPath,
    AuthGroup,
    AuthServiceAccount,
    AuthResource,
    AuthSubresource,
    AuthNamespace,
    AuthName,
    AuthCheck,
    AuthErrored,
    AuthError,
    AuthAllowed,
    AuthReason,
    AuthFieldSelector,
    AuthLabelSelector,
    OptionalOf,
    OptionalOfNonZero,
    OptionalNone,
    OptionalValue,
    OptionalHasValue,
    OptionalOr,
    OptionalOrValue,
    OptIndex,
    First,
    Last,
    OptionalUnwrap,
    ToQuantity,
    IsQuantity,
    QuantitySign,
    IsGreaterThan,
    IsLessThan,
    CompareTo,
    QuantityFloat,
    QuantityInteger,
    QuantityIsInteger,
    QuantityAdd,
    QuantitySub,
    SetsContains,
    SetsEquivalent,
    SetsIntersects,
    ToIp,
    CidrIp,
    IsIp,
    IpIsCanonical,
    IpFamily,
    IpIsUnspecified,
    IpIsLoopback,
    IpIsLinkLocalMulticast,
    IpIsLinkLocalUnicast,
    IpIsGlobalUnicast,
    ToCidr,
    IsCidr,
    ContainsIp,
    ContainsCidr,
    PrefixLength,
    Masked,
    FormatNamed,
    FormatValidate,
    MapInsert,
    ToSemver,
    IsSemver,
    SemverMajor,
    SemverMinor,
    SemverPatch,
    Slice,
    Flatten,
    Range,
    Reverse,
    Distinct,
    Sort,
    SortBy,
    EscapeKey,
    Greatest,
    Least,
    Ceil,
    Floor,
    Round,
    Trunc,
    Abs,
    SignOf,
    IsNan,
    IsInf,
    IsFinite,
    BitAnd,
    BitOr,
    BitXor,
    BitNot,
    ShiftLeft,
    ShiftRight,
    Sqrt,
    Base64Decode,
    Base64Encode,
    /// A named format of strings.
    Named(&'static str),
}

mod amount;
mod arithmetic;
mod auth;
mod clock;
mod convert;
pub(crate) mod cost;
mod format;
mod list;
mod math;
mod named;
mod net;
mod optional;
mod sort;
mod text;
mod url;

pub(crate) use arithmetic::operator;
#[cfg(test)]
pub(crate) use convert::debug;
pub(crate) use convert::shown;
pub(crate) use format::{takes as format_takes, verbs as format_verbs};
pub use named::NamedFormat;
pub use url::UrlParts;

use crate::{
    run::{Fault, Meter},
    value::Val,
};

impl Op {
    /// What [`operator`] does.
    pub(crate) fn is_operator(self) -> bool {
        matches!(
            self,
            Self::Add
                | Self::Subtract
                | Self::Multiply
                | Self::Divide
                | Self::Modulo
                | Self::Less
                | Self::LessEquals
                | Self::Greater
                | Self::GreaterEquals
                | Self::In
        )
    }

    /// Conversions, which are done at once when their argument is a literal.
    pub(crate) fn is_conversion(self) -> bool {
        matches!(
            self,
            Self::TypeOf
                | Self::ToDyn
                | Self::ToBool
                | Self::ToBytes
                | Self::ToDouble
                | Self::ToDuration
                | Self::ToInt
                | Self::ToString
                | Self::ToTimestamp
                | Self::ToUint
        )
    }
}

/// What a function gives; `None` if it is not for these arguments.
type Outcome<'a> = Option<Result<Val<'a>, Fault>>;

/// Calls a function.
///
/// # Errors
/// What the function refuses; arguments that it is not for; more work than the budget pays for.
pub(crate) fn call<'a>(op: Op, args: &[Val<'a>], meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    arithmetic::call(op, args, meter)
        .or_else(|| convert::call(op, args, meter))
        .or_else(|| text::call(op, args, meter))
        .or_else(|| list::call(op, args, meter))
        .or_else(|| sort::call(op, args, meter))
        .or_else(|| optional::call(op, args))
        .or_else(|| clock::call(op, args))
        .or_else(|| net::call(op, args))
        .or_else(|| url::call(op, args))
        .or_else(|| amount::call(op, args))
        .or_else(|| named::call(op, args, meter))
        .or_else(|| auth::call(op, args))
        .or_else(|| math::call(op, args))
        .unwrap_or_else(|| Err(Fault::error(NO_OVERLOAD)))
}

/// Stands for a message that [`named`] completes.
const NO_OVERLOAD: &str = "no such overload: ";

/// The same fault; one about arguments says which function and which types.
pub(crate) fn named(fault: Fault, function: &str, args: &[Val<'_>]) -> Fault {
    if let Fault::Error(inner) = &fault
        && inner.0 == NO_OVERLOAD
    {
        let types: Vec<String> = args.iter().map(Val::type_name).collect();
        return Fault::error(format!("{NO_OVERLOAD}{function}({})", types.join(", ")));
    }
    fault
}

fn fail<'a>(message: impl Into<String>) -> Outcome<'a> {
    Some(Err(Fault::error(message)))
}

#[cfg(test)]
mod tests {
    use super::table;
    use crate::types::Type;

    #[test]
    fn only_what_is_written_as_dyn_is_dyn() {
        for (name, overload) in table::all() {
            let all = overload.signature.parameters.iter().chain([&overload.signature.result]);
            let some_dyn = all.clone().any(|of| matches!(of, Type::Dyn));
            assert!(
                !some_dyn || matches!(name, "dyn" | "math.greatest" | "math.least"),
                "{name}: {overload:?}"
            );
        }
    }
}
