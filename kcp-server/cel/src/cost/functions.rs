use super::{CostRange, Size, walk::Estimator};
use crate::{
    ast::{Id, Kind, Literal},
    library::cost::{CHARACTER, CHECK, LIST, OBJECT, REGEX},
    types::{Opaque, Type},
};

/// A call as one of the overloads that it may mean.
pub(super) struct Call<'c> {
    pub(super) id: Id,
    pub(super) function: &'c str,
    pub(super) overload: &'c str,
    pub(super) target: Option<Id>,
    pub(super) args: &'c [Id],
    pub(super) costs: &'c [CostRange],
}

/// What a call costs, and how large its result is if that can be told.
pub(super) struct Estimate {
    pub(super) cost: CostRange,
    pub(super) size: Option<Size>,
}

impl Estimate {
    const fn of(cost: CostRange) -> Self {
        Self { cost, size: None }
    }

    const fn sized(cost: CostRange, size: Size) -> Self {
        Self { cost, size: Some(size) }
    }
}

/// With the cost of the arguments.
pub(super) fn estimate(walk: &mut Estimator<'_>, call: &Call<'_>) -> Estimate {
    let own = lists(walk, call).or_else(|| kubernetes(walk, call));
    if let Some(own) = own {
        return Estimate { cost: own.cost.plus(args(call)), size: own.size };
    }
    standard(walk, call)
}

fn args(call: &Call<'_>) -> CostRange {
    call.costs.iter().fold(CostRange::ZERO, |sum, cost| sum.plus(*cost))
}

/// A list that is made of another one.
fn allocating(factor: f64, size: Size) -> Estimate {
    Estimate::sized(size.cost(factor).plus(CostRange::fixed(1 + LIST)), size)
}

#[expect(clippy::cast_precision_loss, reason = "as cel-go computes it")]
fn lists(walk: &mut Estimator<'_>, call: &Call<'_>) -> Option<Estimate> {
    let size =
        |walk: &mut Estimator<'_>, id: Option<&Id>| id.map_or(Size::UNKNOWN, |id| walk.size_or_unknown(*id));
    let target = call.target;
    Some(match call.overload {
        "list_slice" => {
            let size = size(walk, target.as_ref());
            let end = number(walk, call.args.get(1)).unwrap_or(size.max);
            allocating(1.0, Size::fixed(end.wrapping_sub(number(walk, call.args.first()).unwrap_or(0))))
        }
        "lists_range" => allocating(1.0, Size::fixed(number(walk, call.args.first()).unwrap_or(u64::MAX))),
        "list_reverse" => allocating(1.0, size(walk, target.as_ref())),
        "list_flatten" => allocating(1.0, size(walk, target.as_ref())),
        "list_flatten_int" => {
            let depth = number(walk, call.args.first()).unwrap_or(u64::MAX);
            allocating(depth as f64, size(walk, target.as_ref()))
        }
        "list_distinct" => squared(2.0, size(walk, target.as_ref())),
        "list_string_sort" | "list_bytes_sort" => squared(2.0 + CHARACTER, size(walk, target.as_ref())),
        "list_string_sortByAssociatedKeys" | "list_bytes_sortByAssociatedKeys" => {
            squared(2.0 + CHARACTER, size(walk, call.args.first()))
        }
        other if other.ends_with("_sortByAssociatedKeys") => squared(2.0, size(walk, call.args.first())),
        other if other.starts_with("list_") && other.ends_with("_sort") => {
            squared(2.0, size(walk, target.as_ref()))
        }
        "list_sets_contains_list" | "list_sets_intersects_list" => sets(walk, call, 1.0),
        "list_sets_equivalent_list" => sets(walk, call, 2.0),
        _ => return None,
    })
}

fn squared(factor: f64, size: Size) -> Estimate {
    allocating(factor, size.times(size))
}

fn sets(walk: &mut Estimator<'_>, call: &Call<'_>, factor: f64) -> Estimate {
    let sizes = call.args.iter().fold(Size::fixed(1), |sizes, arg| sizes.times(walk.size_or_unknown(*arg)));
    Estimate::of(sizes.cost(factor).plus(CostRange::fixed(1)))
}

/// A whole number that is written down; below zero counts as zero.
fn number(walk: &Estimator<'_>, id: Option<&Id>) -> Option<u64> {
    let Kind::Literal(Literal::Int(number)) = walk.ast.kind(*id?) else { return None };
    Some(u64::try_from(*number).unwrap_or(0))
}

/// By the function's name, as kube-apiserver does before cel-go's own numbers count.
fn kubernetes(walk: &mut Estimator<'_>, call: &Call<'_>) -> Option<Estimate> {
    let one = Some(Estimate::of(CostRange::fixed(1)));
    let first = call.args.first().copied();
    match call.function {
        "check" => Some(Estimate::of(CostRange::fixed(CHECK))),
        "serviceAccount" | "path" | "group" | "resource" | "subresource" | "namespace" | "name"
        | "allowed" | "reason" | "error" | "errored" => one,
        "fieldSelector" | "labelSelector" => {
            let size = walk.size_or_unknown(first?);
            let requirements = size.cost(0.5).factor((LIST + OBJECT) as f64);
            Some(Estimate::of(CostRange::fixed(LIST).plus(size.cost(CHARACTER)).plus(requirements)))
        }
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => ordered(walk, call.target?),
        "url" | "jsonpatch.escapeKey" => {
            let size = walk.size_or_unknown(first?);
            Some(Estimate::sized(size.cost(CHARACTER), size))
        }
        "lowerAscii" | "upperAscii" | "substring" | "trim" => {
            let size = walk.size_or_unknown(call.target?);
            Some(Estimate::sized(size.cost(CHARACTER), size))
        }
        "replace" => replace(walk, call),
        "split" => {
            let size = walk.size_or_unknown(call.target?);
            let most = match call.args.get(1).map(|most| walk.ast.kind(*most)) {
                Some(Kind::Literal(Literal::Int(most))) => most.cast_unsigned(),
                _ => size.max,
            };
            Some(Estimate::sized(size.cost(2.0 * CHARACTER), Size { min: 0, max: most }))
        }
        "join" => join(walk, call),
        "find" | "findAll" => {
            let size = walk.size_or_unknown(call.target?);
            let text = size.plus(Size::fixed(1)).cost(CHARACTER);
            let regex = walk.size_or_unknown(first?).cost(REGEX);
            Some(Estimate::sized(text.times(regex), Size { min: 0, max: size.max }))
        }
        "ip" if call.overload == "cidr_ip" => one,
        "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver" => {
            Some(Estimate::of(walk.size_or_unknown(first?).cost(CHARACTER)))
        }
        "ip.isCanonical" => Some(Estimate::of(walk.size_or_unknown(first?).cost(2.0 * CHARACTER))),
        "masked"
        | "prefixLength"
        | "family"
        | "isUnspecified"
        | "isLoopback"
        | "isLinkLocalMulticast"
        | "isLinkLocalUnicast"
        | "isGlobalUnicast" => one,
        "containsIP" | "containsCIDR" => Some(contains(walk, call, first?)),
        "validate" => {
            let text = walk.size_or_unknown(first?).cost(CHARACTER);
            Some(Estimate::of(text.factor(LONGEST_NAME_REGEX * REGEX)))
        }
        "format.named" | "sign" | "asInteger" | "isInteger" | "asApproximateFloat" | "isGreaterThan"
        | "isLessThan" | "compareTo" | "add" | "sub" | "major" | "minor" | "patch" | "getScheme"
        | "getHostname" | "getHost" | "getPort" | "getEscapedPath" | "getQuery" => one,
        "_==_" => equality(walk, call),
        _ => None,
    }
}

/// The longest expression of a named format that counts.
const LONGEST_NAME_REGEX: f64 = 128.0;
/// The longest name of a format.
const LONGEST_FORMAT: u64 = 64;

fn ordered(walk: &mut Estimator<'_>, target: Id) -> Option<Estimate> {
    let size = walk.size_or_unknown(target);
    let Some((of, element)) = walk.elements(target) else {
        return Some(Estimate::of(size.cost(CHARACTER)));
    };
    let mut each = CostRange::fixed(1);
    if let Type::String | Type::Bytes = of {
        each = each.plus(element.cost(CHARACTER));
    }
    Some(Estimate::of(size.times_cost(each)))
}

fn replace(walk: &mut Estimator<'_>, call: &Call<'_>) -> Option<Estimate> {
    let (old, new) = (call.args.first()?, call.args.get(1)?);
    let size = walk.size_or_unknown(call.target?);
    let (old, new) = (walk.size_or_unknown(*old), walk.size_or_unknown(*new));
    // How often something is replaced, and how much of the text stays beside that.
    let (mut count, mut kept) = (Size::fixed(0), Size::fixed(0));
    if old.min == 0 {
        count.max = size.max.saturating_add(1);
        kept.max = size.max;
    } else if new.max <= old.min {
        kept.max = size.max;
    } else {
        count.max = divided(size.max, old.min);
    }
    if old.max == 0 {
        count.min = size.min.saturating_add(1);
        kept.min = size.min;
    } else if old.max <= new.min {
        kept.min = size.min;
    } else {
        count.min = divided(size.min, old.max);
    }
    Some(Estimate::sized(size.cost(2.0 * CHARACTER), count.times(new).plus(kept)))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as kube-apiserver computes it; conversion saturates"
)]
fn divided(size: u64, by: u64) -> u64 {
    (size as f64 / by as f64).ceil() as u64
}

fn join(walk: &mut Estimator<'_>, call: &Call<'_>) -> Option<Estimate> {
    let target = call.target?;
    let list = walk.size_or_unknown(target);
    let mut size = walk.elements(target).map_or(Size::fixed(0), |(_, element)| list.times(element));
    if let Some(separator) = call.args.first() {
        let between = Size { min: list.min.saturating_sub(1), max: list.max.saturating_sub(1) };
        size = size.plus(walk.size_or_unknown(*separator).times(between));
    }
    Some(Estimate::sized(size.cost(CHARACTER), size))
}

fn contains(walk: &mut Estimator<'_>, call: &Call<'_>, other: Id) -> Estimate {
    // Addresses have 4 or 16 bytes.
    let bytes = Size { min: 4, max: 16 };
    let mut cost = bytes.plus(bytes).cost(CHARACTER);
    if call.function == "containsCIDR" {
        cost = cost.plus(bytes.cost(CHARACTER)).plus(CostRange::fixed(1));
    }
    if call.overload.ends_with("_string") {
        cost = cost.plus(walk.size_or_unknown(other).cost(CHARACTER));
    }
    Estimate::of(cost)
}

fn equality(walk: &mut Estimator<'_>, call: &Call<'_>) -> Option<Estimate> {
    let (left, right) = (call.args.first()?, call.args.get(1)?);
    let (Type::Opaque(a), Type::Opaque(b)) = (walk.type_of(*left), walk.type_of(*right)) else { return None };
    if a != b {
        return None;
    }
    Some(Estimate::of(match a {
        Opaque::Format => CostRange { min: 1, max: LONGEST_FORMAT }.factor(CHARACTER),
        Opaque::Url => {
            let most = walk.size(*right).map_or(1, |size| size.max);
            CostRange { min: 1, max: most }.factor(CHARACTER)
        }
        Opaque::Ip
        | Opaque::Cidr
        | Opaque::Quantity
        | Opaque::Semver
        | Opaque::Authorizer
        | Opaque::PathCheck
        | Opaque::GroupCheck
        | Opaque::ResourceCheck
        | Opaque::Decision => CostRange::fixed(1),
    }))
}

/// cel-go's own numbers, by overload.
fn standard(walk: &mut Estimator<'_>, call: &Call<'_>) -> Estimate {
    let sum = args(call);
    let with = |cost: CostRange| Estimate::of(cost.plus(sum));
    let size = |walk: &mut Estimator<'_>, at: usize| call.args.get(at).map(|arg| walk.size_or_unknown(*arg));
    let target = |walk: &mut Estimator<'_>| call.target.map(|target| walk.size_or_unknown(target));
    let one = with(CostRange::fixed(1));
    match call.overload {
        "string_format" => target(walk).map_or(one, |size| with(size.cost(CHARACTER))),
        "string_to_bytes" => size(walk, 0).map_or(one, |size| Estimate {
            size: Some(Size { min: size.min, max: size.max.wrapping_mul(4) }),
            ..with(size.cost(CHARACTER))
        }),
        "bytes_to_string" => size(walk, 0).map_or(one, |size| Estimate {
            size: Some(Size { min: size.min / 4, max: size.max }),
            ..with(size.cost(CHARACTER))
        }),
        "strings_quote" => size(walk, 0).map_or(one, |size| Estimate {
            size: Some(Size { min: size.min.wrapping_add(2), max: size.max.wrapping_mul(2).wrapping_add(2) }),
            ..with(size.cost(CHARACTER))
        }),
        "starts_with_string" | "ends_with_string" => {
            size(walk, 0).map_or(one, |size| with(size.cost(CHARACTER)))
        }
        "in_list" => size(walk, 1).map_or(one, |size| with(size.cost(1.0))),
        "matches_string" => match (target(walk), size(walk, 0)) {
            (Some(text), Some(regex)) => {
                with(text.plus(Size::fixed(1)).cost(CHARACTER).times(regex.cost(REGEX)))
            }
            _ => one,
        },
        "contains_string" => match (target(walk), size(walk, 0)) {
            (Some(text), Some(part)) => with(text.cost(CHARACTER).times(part.cost(CHARACTER))),
            _ => one,
        },
        "logical_and" | "logical_or" => match call.costs {
            [left, right] => Estimate::of(CostRange { min: left.min, max: left.plus(*right).max }),
            _ => one,
        },
        "conditional" => conditional(walk, call).unwrap_or(one),
        "add_string" | "add_bytes" | "add_list" => match (size(walk, 0), size(walk, 1)) {
            (Some(left), Some(right)) => {
                let joined = left.plus(right);
                if let [left, right] = call.args {
                    walk.join_entries(call.id, *left, *right);
                }
                let own =
                    if call.overload == "add_list" { CostRange::fixed(1) } else { joined.cost(CHARACTER) };
                Estimate::sized(own.plus(sum), joined)
            }
            _ => one,
        },
        "equals"
        | "not_equals"
        | "less_string"
        | "greater_string"
        | "less_equals_string"
        | "greater_equals_string"
        | "less_bytes"
        | "greater_bytes"
        | "less_equals_bytes"
        | "greater_equals_bytes" => match (size(walk, 0), size(walk, 1)) {
            (Some(left), Some(right)) => {
                let smallest = left.max.min(right.max);
                with(CostRange { min: u64::from(smallest > 0), max: smallest }.factor(CHARACTER))
            }
            _ => one,
        },
        _ => one,
    }
}

fn conditional(walk: &mut Estimator<'_>, call: &Call<'_>) -> Option<Estimate> {
    let ([_, yes, no], [condition, yes_cost, no_cost]) = (call.args, call.costs) else { return None };
    let size = walk.size_or_unknown(*yes).union(walk.size_or_unknown(*no));
    walk.join_entries(call.id, *yes, *no);
    Some(Estimate::sized(condition.plus(yes_cost.union(*no_cost)), size))
}
