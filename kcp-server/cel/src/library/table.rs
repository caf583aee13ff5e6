//! Which functions there are: name, overloads with their types, and since when.
//!
//! A line is `name; overload; type` with a type such as `list(A).(A) -> int` for `l.name(x)` and
//! `(string, int) -> string` for `name(s, n)`. Names of overloads are cel-go's: costs depend on them.

use super::{
    Op,
    signature::{self, Signature},
};
use crate::environment::{Environment, Since};
use std::{collections::HashMap, sync::LazyLock};

/// One way to call a function.
#[derive(Debug)]
pub(crate) struct Overload {
    /// The name of the function.
    pub(crate) name: &'static str,
    pub(crate) id: &'static str,
    pub(crate) op: Op,
    pub(crate) signature: Signature,
    since: Since,
}

/// The overloads of a function that an environment has; `None` if there is no such function.
pub(crate) fn find(
    name: &str,
    environment: Environment,
) -> Option<impl Iterator<Item = &'static Overload> + Clone> {
    let overloads = TABLE.get(name)?.iter().filter(move |overload| environment.has(overload.since));
    overloads.clone().next()?;
    Some(overloads)
}

static TABLE: LazyLock<HashMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut table: HashMap<&'static str, Vec<Overload>> = HashMap::new();
    for (since, lines) in LIBRARIES {
        for (op, line) in *lines {
            let mut parts = line.split("; ");
            let mut part = || parts.next().unwrap_or_default();
            let (name, id, text) = (part(), part(), part());
            let signature = signature::parse(text);
            table.entry(name).or_default().push(Overload { name, id, op: *op, signature, since: *since });
        }
    }
    table
});

#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static Overload)> {
    TABLE.iter().flat_map(|(name, overloads)| overloads.iter().map(move |overload| (*name, overload)))
}

type Lines = &'static [(Op, &'static str)];

const LIBRARIES: &[(Since, Lines)] = &[
    (Since::V(0), OPERATORS),
    (Since::V(28), CROSS_TYPE),
    (Since::V(0), CONVERSIONS),
    (Since::V(0), STANDARD),
    (Since::V(0), STRINGS_0),
    (Since::V(29), STRINGS_2),
    (Since::V(0), LISTS),
    (Since::V(0), REGEX_AND_URL),
    (Since::V(27), AUTHORIZER),
    (Since::V(28), OPTIONALS),
    (Since::V(28), QUANTITY),
    (Since::V(29), SETS),
    (Since::V(30), ADDRESSES),
    (Since::V(31), FORMATS),
    (Since::V(31), SELECTORS),
    (Since::V(32), INSERTS),
    (Since::V(33), SEMVER),
    (Since::V(34), LISTS_3),
    (Since::Extended, JSON_PATCH),
    (Since::Extended, BEYOND),
    (Since::Extended, BASE64),
];

const OPERATORS: Lines = &[
    (Op::Conditional, "_?_:_; conditional; (bool, A, A) -> A"),
    (Op::And, "_&&_; logical_and; (bool, bool) -> bool"),
    (Op::Or, "_||_; logical_or; (bool, bool) -> bool"),
    (Op::Not, "!_; logical_not; (bool) -> bool"),
    (Op::NotStrictlyFalse, "@not_strictly_false; not_strictly_false; (bool) -> bool"),
    (Op::Equals, "_==_; equals; (A, A) -> bool"),
    (Op::NotEquals, "_!=_; not_equals; (A, A) -> bool"),
    (Op::Add, "_+_; add_bytes; (bytes, bytes) -> bytes"),
    (Op::Add, "_+_; add_double; (double, double) -> double"),
    (Op::Add, "_+_; add_duration_duration; (duration, duration) -> duration"),
    (Op::Add, "_+_; add_duration_timestamp; (duration, timestamp) -> timestamp"),
    (Op::Add, "_+_; add_timestamp_duration; (timestamp, duration) -> timestamp"),
    (Op::Add, "_+_; add_int64; (int, int) -> int"),
    (Op::Add, "_+_; add_list; (list(A), list(A)) -> list(A)"),
    (Op::Add, "_+_; add_string; (string, string) -> string"),
    (Op::Add, "_+_; add_uint64; (uint, uint) -> uint"),
    (Op::Subtract, "_-_; subtract_double; (double, double) -> double"),
    (Op::Subtract, "_-_; subtract_duration_duration; (duration, duration) -> duration"),
    (Op::Subtract, "_-_; subtract_int64; (int, int) -> int"),
    (Op::Subtract, "_-_; subtract_timestamp_duration; (timestamp, duration) -> timestamp"),
    (Op::Subtract, "_-_; subtract_timestamp_timestamp; (timestamp, timestamp) -> duration"),
    (Op::Subtract, "_-_; subtract_uint64; (uint, uint) -> uint"),
    (Op::Multiply, "_*_; multiply_double; (double, double) -> double"),
    (Op::Multiply, "_*_; multiply_int64; (int, int) -> int"),
    (Op::Multiply, "_*_; multiply_uint64; (uint, uint) -> uint"),
    (Op::Divide, "_/_; divide_double; (double, double) -> double"),
    (Op::Divide, "_/_; divide_int64; (int, int) -> int"),
    (Op::Divide, "_/_; divide_uint64; (uint, uint) -> uint"),
    (Op::Modulo, "_%_; modulo_int64; (int, int) -> int"),
    (Op::Modulo, "_%_; modulo_uint64; (uint, uint) -> uint"),
    (Op::Negate, "-_; negate_double; (double) -> double"),
    (Op::Negate, "-_; negate_int64; (int) -> int"),
    (Op::Less, "_<_; less_bool; (bool, bool) -> bool"),
    (Op::Less, "_<_; less_int64; (int, int) -> bool"),
    (Op::Less, "_<_; less_uint64; (uint, uint) -> bool"),
    (Op::Less, "_<_; less_double; (double, double) -> bool"),
    (Op::Less, "_<_; less_string; (string, string) -> bool"),
    (Op::Less, "_<_; less_bytes; (bytes, bytes) -> bool"),
    (Op::Less, "_<_; less_timestamp; (timestamp, timestamp) -> bool"),
    (Op::Less, "_<_; less_duration; (duration, duration) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_bool; (bool, bool) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_int64; (int, int) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_uint64; (uint, uint) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_double; (double, double) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_string; (string, string) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_bytes; (bytes, bytes) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_timestamp; (timestamp, timestamp) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_duration; (duration, duration) -> bool"),
    (Op::Greater, "_>_; greater_bool; (bool, bool) -> bool"),
    (Op::Greater, "_>_; greater_int64; (int, int) -> bool"),
    (Op::Greater, "_>_; greater_uint64; (uint, uint) -> bool"),
    (Op::Greater, "_>_; greater_double; (double, double) -> bool"),
    (Op::Greater, "_>_; greater_string; (string, string) -> bool"),
    (Op::Greater, "_>_; greater_bytes; (bytes, bytes) -> bool"),
    (Op::Greater, "_>_; greater_timestamp; (timestamp, timestamp) -> bool"),
    (Op::Greater, "_>_; greater_duration; (duration, duration) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_bool; (bool, bool) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_int64; (int, int) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_uint64; (uint, uint) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_double; (double, double) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_string; (string, string) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_bytes; (bytes, bytes) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_timestamp; (timestamp, timestamp) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_duration; (duration, duration) -> bool"),
    (Op::Index, "_[_]; index_list; (list(A), int) -> A"),
    (Op::Index, "_[_]; index_map; (map(A, B), A) -> B"),
    (Op::In, "@in; in_list; (A, list(A)) -> bool"),
    (Op::In, "@in; in_map; (A, map(A, B)) -> bool"),
];

const CROSS_TYPE: Lines = &[
    (Op::Less, "_<_; less_int64_double; (int, double) -> bool"),
    (Op::Less, "_<_; less_int64_uint64; (int, uint) -> bool"),
    (Op::Less, "_<_; less_uint64_double; (uint, double) -> bool"),
    (Op::Less, "_<_; less_uint64_int64; (uint, int) -> bool"),
    (Op::Less, "_<_; less_double_int64; (double, int) -> bool"),
    (Op::Less, "_<_; less_double_uint64; (double, uint) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_int64_double; (int, double) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_int64_uint64; (int, uint) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_uint64_double; (uint, double) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_uint64_int64; (uint, int) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_double_int64; (double, int) -> bool"),
    (Op::LessEquals, "_<=_; less_equals_double_uint64; (double, uint) -> bool"),
    (Op::Greater, "_>_; greater_int64_double; (int, double) -> bool"),
    (Op::Greater, "_>_; greater_int64_uint64; (int, uint) -> bool"),
    (Op::Greater, "_>_; greater_uint64_double; (uint, double) -> bool"),
    (Op::Greater, "_>_; greater_uint64_int64; (uint, int) -> bool"),
    (Op::Greater, "_>_; greater_double_int64; (double, int) -> bool"),
    (Op::Greater, "_>_; greater_double_uint64; (double, uint) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_int64_double; (int, double) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_int64_uint64; (int, uint) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_uint64_double; (uint, double) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_uint64_int64; (uint, int) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_double_int64; (double, int) -> bool"),
    (Op::GreaterEquals, "_>=_; greater_equals_double_uint64; (double, uint) -> bool"),
];

const CONVERSIONS: Lines = &[
    (Op::TypeOf, "type; type; (A) -> type(A)"),
    (Op::ToDyn, "dyn; to_dyn; (A) -> dyn"),
    (Op::ToBool, "bool; bool_to_bool; (bool) -> bool"),
    (Op::ToBool, "bool; string_to_bool; (string) -> bool"),
    (Op::ToBytes, "bytes; bytes_to_bytes; (bytes) -> bytes"),
    (Op::ToBytes, "bytes; string_to_bytes; (string) -> bytes"),
    (Op::ToDouble, "double; double_to_double; (double) -> double"),
    (Op::ToDouble, "double; int64_to_double; (int) -> double"),
    (Op::ToDouble, "double; string_to_double; (string) -> double"),
    (Op::ToDouble, "double; uint64_to_double; (uint) -> double"),
    (Op::ToDuration, "duration; duration_to_duration; (duration) -> duration"),
    (Op::ToDuration, "duration; int64_to_duration; (int) -> duration"),
    (Op::ToDuration, "duration; string_to_duration; (string) -> duration"),
    (Op::ToInt, "int; int64_to_int64; (int) -> int"),
    (Op::ToInt, "int; double_to_int64; (double) -> int"),
    (Op::ToInt, "int; duration_to_int64; (duration) -> int"),
    (Op::ToInt, "int; string_to_int64; (string) -> int"),
    (Op::ToInt, "int; timestamp_to_int64; (timestamp) -> int"),
    (Op::ToInt, "int; uint64_to_int64; (uint) -> int"),
    (Op::ToString, "string; string_to_string; (string) -> string"),
    (Op::ToString, "string; bool_to_string; (bool) -> string"),
    (Op::ToString, "string; bytes_to_string; (bytes) -> string"),
    (Op::ToString, "string; double_to_string; (double) -> string"),
    (Op::ToString, "string; duration_to_string; (duration) -> string"),
    (Op::ToString, "string; int64_to_string; (int) -> string"),
    (Op::ToString, "string; timestamp_to_string; (timestamp) -> string"),
    (Op::ToString, "string; uint64_to_string; (uint) -> string"),
    (Op::ToTimestamp, "timestamp; timestamp_to_timestamp; (timestamp) -> timestamp"),
    (Op::ToTimestamp, "timestamp; int64_to_timestamp; (int) -> timestamp"),
    (Op::ToTimestamp, "timestamp; string_to_timestamp; (string) -> timestamp"),
    (Op::ToUint, "uint; uint64_to_uint64; (uint) -> uint"),
    (Op::ToUint, "uint; double_to_uint64; (double) -> uint"),
    (Op::ToUint, "uint; int64_to_uint64; (int) -> uint"),
    (Op::ToUint, "uint; string_to_uint64; (string) -> uint"),
];

const STANDARD: Lines = &[
    (Op::Size, "size; size_bytes; (bytes) -> int"),
    (Op::Size, "size; bytes_size; bytes.() -> int"),
    (Op::Size, "size; size_list; (list(A)) -> int"),
    (Op::Size, "size; list_size; list(A).() -> int"),
    (Op::Size, "size; size_map; (map(A, B)) -> int"),
    (Op::Size, "size; map_size; map(A, B).() -> int"),
    (Op::Size, "size; size_string; (string) -> int"),
    (Op::Size, "size; string_size; string.() -> int"),
    (Op::Contains, "contains; contains_string; string.(string) -> bool"),
    (Op::EndsWith, "endsWith; ends_with_string; string.(string) -> bool"),
    (Op::StartsWith, "startsWith; starts_with_string; string.(string) -> bool"),
    (Op::Matches, "matches; matches; (string, string) -> bool"),
    (Op::Matches, "matches; matches_string; string.(string) -> bool"),
    (Op::FullYear, "getFullYear; timestamp_to_year; timestamp.() -> int"),
    (Op::FullYear, "getFullYear; timestamp_to_year_with_tz; timestamp.(string) -> int"),
    (Op::Month, "getMonth; timestamp_to_month; timestamp.() -> int"),
    (Op::Month, "getMonth; timestamp_to_month_with_tz; timestamp.(string) -> int"),
    (Op::DayOfYear, "getDayOfYear; timestamp_to_day_of_year; timestamp.() -> int"),
    (Op::DayOfYear, "getDayOfYear; timestamp_to_day_of_year_with_tz; timestamp.(string) -> int"),
    (Op::DayOfMonth, "getDayOfMonth; timestamp_to_day_of_month; timestamp.() -> int"),
    (Op::DayOfMonth, "getDayOfMonth; timestamp_to_day_of_month_with_tz; timestamp.(string) -> int"),
    (Op::Date, "getDate; timestamp_to_day_of_month_1_based; timestamp.() -> int"),
    (Op::Date, "getDate; timestamp_to_day_of_month_1_based_with_tz; timestamp.(string) -> int"),
    (Op::DayOfWeek, "getDayOfWeek; timestamp_to_day_of_week; timestamp.() -> int"),
    (Op::DayOfWeek, "getDayOfWeek; timestamp_to_day_of_week_with_tz; timestamp.(string) -> int"),
    (Op::Hours, "getHours; timestamp_to_hours; timestamp.() -> int"),
    (Op::Hours, "getHours; timestamp_to_hours_with_tz; timestamp.(string) -> int"),
    (Op::Hours, "getHours; duration_to_hours; duration.() -> int"),
    (Op::Minutes, "getMinutes; timestamp_to_minutes; timestamp.() -> int"),
    (Op::Minutes, "getMinutes; timestamp_to_minutes_with_tz; timestamp.(string) -> int"),
    (Op::Minutes, "getMinutes; duration_to_minutes; duration.() -> int"),
    (Op::Seconds, "getSeconds; timestamp_to_seconds; timestamp.() -> int"),
    (Op::Seconds, "getSeconds; timestamp_to_seconds_tz; timestamp.(string) -> int"),
    (Op::Seconds, "getSeconds; duration_to_seconds; duration.() -> int"),
    (Op::Milliseconds, "getMilliseconds; timestamp_to_milliseconds; timestamp.() -> int"),
    (Op::Milliseconds, "getMilliseconds; timestamp_to_milliseconds_with_tz; timestamp.(string) -> int"),
    (Op::Milliseconds, "getMilliseconds; duration_to_milliseconds; duration.() -> int"),
];

const STRINGS_0: Lines = &[
    (Op::CharAt, "charAt; string_char_at_int; string.(int) -> string"),
    (Op::IndexOf, "indexOf; string_index_of_string; string.(string) -> int"),
    (Op::IndexOf, "indexOf; string_index_of_string_int; string.(string, int) -> int"),
    (Op::LastIndexOf, "lastIndexOf; string_last_index_of_string; string.(string) -> int"),
    (Op::LastIndexOf, "lastIndexOf; string_last_index_of_string_int; string.(string, int) -> int"),
    (Op::LowerAscii, "lowerAscii; string_lower_ascii; string.() -> string"),
    (Op::UpperAscii, "upperAscii; string_upper_ascii; string.() -> string"),
    (Op::Replace, "replace; string_replace_string_string; string.(string, string) -> string"),
    (Op::Replace, "replace; string_replace_string_string_int; string.(string, string, int) -> string"),
    (Op::Split, "split; string_split_string; string.(string) -> list(string)"),
    (Op::Split, "split; string_split_string_int; string.(string, int) -> list(string)"),
    (Op::Substring, "substring; string_substring_int; string.(int) -> string"),
    (Op::Substring, "substring; string_substring_int_int; string.(int, int) -> string"),
    (Op::Trim, "trim; string_trim; string.() -> string"),
    (Op::Join, "join; list_join; list(string).() -> string"),
    (Op::Join, "join; list_join_string; list(string).(string) -> string"),
];

const STRINGS_2: Lines = &[
    (Op::Format, "format; string_format; string.(list(dyn)) -> string"),
    (Op::Quote, "strings.quote; strings_quote; (string) -> string"),
];

const LISTS: Lines = &[
    (Op::IsSorted, "isSorted; list_int_is_sorted_bool; list(int).() -> bool"),
    (Op::IsSorted, "isSorted; list_uint_is_sorted_bool; list(uint).() -> bool"),
    (Op::IsSorted, "isSorted; list_double_is_sorted_bool; list(double).() -> bool"),
    (Op::IsSorted, "isSorted; list_bool_is_sorted_bool; list(bool).() -> bool"),
    (Op::IsSorted, "isSorted; list_duration_is_sorted_bool; list(duration).() -> bool"),
    (Op::IsSorted, "isSorted; list_timestamp_is_sorted_bool; list(timestamp).() -> bool"),
    (Op::IsSorted, "isSorted; list_string_is_sorted_bool; list(string).() -> bool"),
    (Op::IsSorted, "isSorted; list_bytes_is_sorted_bool; list(bytes).() -> bool"),
    (Op::SumInt, "sum; list_int_sum_int; list(int).() -> int"),
    (Op::SumUint, "sum; list_uint_sum_uint; list(uint).() -> uint"),
    (Op::SumDouble, "sum; list_double_sum_double; list(double).() -> double"),
    (Op::SumDuration, "sum; list_duration_sum_duration; list(duration).() -> duration"),
    (Op::Max, "max; list_int_max_int; list(int).() -> int"),
    (Op::Max, "max; list_uint_max_uint; list(uint).() -> uint"),
    (Op::Max, "max; list_double_max_double; list(double).() -> double"),
    (Op::Max, "max; list_bool_max_bool; list(bool).() -> bool"),
    (Op::Max, "max; list_duration_max_duration; list(duration).() -> duration"),
    (Op::Max, "max; list_timestamp_max_timestamp; list(timestamp).() -> timestamp"),
    (Op::Max, "max; list_string_max_string; list(string).() -> string"),
    (Op::Max, "max; list_bytes_max_bytes; list(bytes).() -> bytes"),
    (Op::Min, "min; list_int_min_int; list(int).() -> int"),
    (Op::Min, "min; list_uint_min_uint; list(uint).() -> uint"),
    (Op::Min, "min; list_double_min_double; list(double).() -> double"),
    (Op::Min, "min; list_bool_min_bool; list(bool).() -> bool"),
    (Op::Min, "min; list_duration_min_duration; list(duration).() -> duration"),
    (Op::Min, "min; list_timestamp_min_timestamp; list(timestamp).() -> timestamp"),
    (Op::Min, "min; list_string_min_string; list(string).() -> string"),
    (Op::Min, "min; list_bytes_min_bytes; list(bytes).() -> bytes"),
    (Op::IndexOf, "indexOf; list_a_index_of_int; list(A).(A) -> int"),
    (Op::LastIndexOf, "lastIndexOf; list_a_last_index_of_int; list(A).(A) -> int"),
];

const REGEX_AND_URL: Lines = &[
    (Op::Find, "find; string_find_string; string.(string) -> string"),
    (Op::FindAll, "findAll; string_find_all_string; string.(string) -> list(string)"),
    (Op::FindAll, "findAll; string_find_all_string_int; string.(string, int) -> list(string)"),
    (Op::ToUrl, "url; string_to_url; (string) -> url"),
    (Op::IsUrl, "isURL; is_url_string; (string) -> bool"),
    (Op::Scheme, "getScheme; url_get_scheme; url.() -> string"),
    (Op::Host, "getHost; url_get_host; url.() -> string"),
    (Op::Hostname, "getHostname; url_get_hostname; url.() -> string"),
    (Op::Port, "getPort; url_get_port; url.() -> string"),
    (Op::EscapedPath, "getEscapedPath; url_get_escaped_path; url.() -> string"),
    (Op::Query, "getQuery; url_get_query; url.() -> map(string, list(string))"),
];

const AUTHORIZER: Lines = &[
    (Op::AuthPath, "path; authorizer_path; authorizer.(string) -> path"),
    (Op::AuthGroup, "group; authorizer_group; authorizer.(string) -> group"),
    (
        Op::AuthServiceAccount,
        "serviceAccount; authorizer_serviceaccount; authorizer.(string, string) -> authorizer",
    ),
    (Op::AuthResource, "resource; groupcheck_resource; group.(string) -> resource"),
    (Op::AuthSubresource, "subresource; resourcecheck_subresource; resource.(string) -> resource"),
    (Op::AuthNamespace, "namespace; resourcecheck_namespace; resource.(string) -> resource"),
    (Op::AuthName, "name; resourcecheck_name; resource.(string) -> resource"),
    (Op::AuthCheck, "check; pathcheck_check; path.(string) -> decision"),
    (Op::AuthCheck, "check; resourcecheck_check; resource.(string) -> decision"),
    (Op::AuthErrored, "errored; decision_errored; decision.() -> bool"),
    (Op::AuthError, "error; decision_error; decision.() -> string"),
    (Op::AuthAllowed, "allowed; decision_allowed; decision.() -> bool"),
    (Op::AuthReason, "reason; decision_reason; decision.() -> string"),
];

const SELECTORS: Lines = &[
    (Op::AuthFieldSelector, "fieldSelector; authorizer_fieldselector; resource.(string) -> resource"),
    (Op::AuthLabelSelector, "labelSelector; authorizer_labelselector; resource.(string) -> resource"),
];

const OPTIONALS: Lines = &[
    (Op::OptionalOf, "optional.of; optional_of; (A) -> optional(A)"),
    (Op::OptionalOfNonZero, "optional.ofNonZeroValue; optional_ofNonZeroValue; (A) -> optional(A)"),
    (Op::OptionalNone, "optional.none; optional_none; () -> optional(A)"),
    (Op::OptionalValue, "value; optional_value; optional(A).() -> A"),
    (Op::OptionalHasValue, "hasValue; optional_hasValue; optional(A).() -> bool"),
    (Op::OptionalOr, "or; optional_or_optional; optional(A).(optional(A)) -> optional(A)"),
    (Op::OptionalOrValue, "orValue; optional_orValue_value; optional(A).(A) -> A"),
    (Op::OptIndex, "_[?_]; list_optindex_optional_int; (list(A), int) -> optional(A)"),
    (Op::OptIndex, "_[?_]; optional_list_optindex_optional_int; (optional(list(A)), int) -> optional(A)"),
    (Op::OptIndex, "_[?_]; map_optindex_optional_value; (map(A, B), A) -> optional(B)"),
    (Op::OptIndex, "_[?_]; optional_map_optindex_optional_value; (optional(map(A, B)), A) -> optional(B)"),
    (Op::Index, "_[_]; optional_list_index_int; (optional(list(A)), int) -> optional(A)"),
    (Op::Index, "_[_]; optional_map_index_value; (optional(map(A, B)), A) -> optional(B)"),
    (Op::First, "first; list_first; list(A).() -> optional(A)"),
    (Op::Last, "last; list_last; list(A).() -> optional(A)"),
    (Op::OptionalUnwrap, "optional.unwrap; optional_unwrap; (list(optional(A))) -> list(A)"),
    (Op::OptionalUnwrap, "unwrapOpt; optional_unwrapOpt; list(optional(A)).() -> list(A)"),
];

const QUANTITY: Lines = &[
    (Op::ToQuantity, "quantity; string_to_quantity; (string) -> quantity"),
    (Op::IsQuantity, "isQuantity; is_quantity_string; (string) -> bool"),
    (Op::QuantitySign, "sign; quantity_sign; (quantity) -> int"),
    (Op::IsGreaterThan, "isGreaterThan; quantity_is_greater_than; quantity.(quantity) -> bool"),
    (Op::IsLessThan, "isLessThan; quantity_is_less_than; quantity.(quantity) -> bool"),
    (Op::CompareTo, "compareTo; quantity_compare_to; quantity.(quantity) -> int"),
    (Op::QuantityFloat, "asApproximateFloat; quantity_get_float; quantity.() -> double"),
    (Op::QuantityInteger, "asInteger; quantity_get_int; quantity.() -> int"),
    (Op::QuantityIsInteger, "isInteger; quantity_is_integer; quantity.() -> bool"),
    (Op::QuantityAdd, "add; quantity_add; quantity.(quantity) -> quantity"),
    (Op::QuantityAdd, "add; quantity_add_int; quantity.(int) -> quantity"),
    (Op::QuantitySub, "sub; quantity_sub; quantity.(quantity) -> quantity"),
    (Op::QuantitySub, "sub; quantity_sub_int; quantity.(int) -> quantity"),
];

const SETS: Lines = &[
    (Op::SetsContains, "sets.contains; list_sets_contains_list; (list(A), list(A)) -> bool"),
    (Op::SetsEquivalent, "sets.equivalent; list_sets_equivalent_list; (list(A), list(A)) -> bool"),
    (Op::SetsIntersects, "sets.intersects; list_sets_intersects_list; (list(A), list(A)) -> bool"),
];

const ADDRESSES: Lines = &[
    (Op::ToIp, "ip; string_to_ip; (string) -> ip"),
    (Op::CidrIp, "ip; cidr_ip; cidr.() -> ip"),
    (Op::IsIp, "isIP; is_ip; (string) -> bool"),
    (Op::IpIsCanonical, "ip.isCanonical; ip_is_canonical; (string) -> bool"),
    (Op::IpFamily, "family; ip_family; ip.() -> int"),
    (Op::IpIsUnspecified, "isUnspecified; ip_is_unspecified; ip.() -> bool"),
    (Op::IpIsLoopback, "isLoopback; ip_is_loopback; ip.() -> bool"),
    (Op::IpIsLinkLocalMulticast, "isLinkLocalMulticast; ip_is_link_local_multicast; ip.() -> bool"),
    (Op::IpIsLinkLocalUnicast, "isLinkLocalUnicast; ip_is_link_local_unicast; ip.() -> bool"),
    (Op::IpIsGlobalUnicast, "isGlobalUnicast; ip_is_global_unicast; ip.() -> bool"),
    (Op::ToString, "string; ip_to_string; (ip) -> string"),
    (Op::ToCidr, "cidr; string_to_cidr; (string) -> cidr"),
    (Op::IsCidr, "isCIDR; is_cidr; (string) -> bool"),
    (Op::ContainsIp, "containsIP; cidr_contains_ip_string; cidr.(string) -> bool"),
    (Op::ContainsIp, "containsIP; cidr_contains_ip_ip; cidr.(ip) -> bool"),
    (Op::ContainsCidr, "containsCIDR; cidr_contains_cidr_string; cidr.(string) -> bool"),
    (Op::ContainsCidr, "containsCIDR; cidr_contains_cidr; cidr.(cidr) -> bool"),
    (Op::PrefixLength, "prefixLength; cidr_prefix_length; cidr.() -> int"),
    (Op::Masked, "masked; cidr_masked; cidr.() -> cidr"),
    (Op::ToString, "string; cidr_to_string; (cidr) -> string"),
];

const FORMATS: Lines = &[
    (Op::FormatNamed, "format.named; format-named; (string) -> optional(format)"),
    (Op::FormatValidate, "validate; format-validate; format.(string) -> optional(list(string))"),
    (Op::Named("dns1123Label"), "format.dns1123Label; format.dns1123Label; () -> format"),
    (Op::Named("dns1123Subdomain"), "format.dns1123Subdomain; format.dns1123Subdomain; () -> format"),
    (Op::Named("dns1035Label"), "format.dns1035Label; format.dns1035Label; () -> format"),
    (Op::Named("qualifiedName"), "format.qualifiedName; format.qualifiedName; () -> format"),
    (Op::Named("dns1123LabelPrefix"), "format.dns1123LabelPrefix; format.dns1123LabelPrefix; () -> format"),
    (
        Op::Named("dns1123SubdomainPrefix"),
        "format.dns1123SubdomainPrefix; format.dns1123SubdomainPrefix; () -> format",
    ),
    (Op::Named("dns1035LabelPrefix"), "format.dns1035LabelPrefix; format.dns1035LabelPrefix; () -> format"),
    (Op::Named("labelValue"), "format.labelValue; format.labelValue; () -> format"),
    (Op::Named("uri"), "format.uri; format.uri; () -> format"),
    (Op::Named("uuid"), "format.uuid; format.uuid; () -> format"),
    (Op::Named("byte"), "format.byte; format.byte; () -> format"),
    (Op::Named("date"), "format.date; format.date; () -> format"),
    (Op::Named("datetime"), "format.datetime; format.datetime; () -> format"),
];

const INSERTS: Lines = &[
    (Op::MapInsert, "cel.@mapInsert; @mapInsert_map_key_value; (map(A, B), A, B) -> map(A, B)"),
    (Op::MapInsert, "cel.@mapInsert; @mapInsert_map_map; (map(A, B), map(A, B)) -> map(A, B)"),
];

const SEMVER: Lines = &[
    (Op::ToSemver, "semver; string_to_semver; (string) -> semver"),
    (Op::ToSemver, "semver; string_bool_to_semver; (string, bool) -> semver"),
    (Op::IsSemver, "isSemver; is_semver_string; (string) -> bool"),
    (Op::IsSemver, "isSemver; is_semver_string_bool; (string, bool) -> bool"),
    (Op::IsGreaterThan, "isGreaterThan; semver_is_greater_than; semver.(semver) -> bool"),
    (Op::IsLessThan, "isLessThan; semver_is_less_than; semver.(semver) -> bool"),
    (Op::CompareTo, "compareTo; semver_compare_to; semver.(semver) -> int"),
    (Op::SemverMajor, "major; semver_major; semver.() -> int"),
    (Op::SemverMinor, "minor; semver_minor; semver.() -> int"),
    (Op::SemverPatch, "patch; semver_patch; semver.() -> int"),
];

const LISTS_3: Lines = &[
    (Op::Slice, "slice; list_slice; list(A).(int, int) -> list(A)"),
    (Op::Flatten, "flatten; list_flatten; list(list(A)).() -> list(A)"),
    (Op::Flatten, "flatten; list_flatten_int; list(dyn).(int) -> list(dyn)"),
    (Op::Range, "lists.range; lists_range; (int) -> list(int)"),
    (Op::Reverse, "reverse; list_reverse; list(A).() -> list(A)"),
    (Op::Distinct, "distinct; list_distinct; list(A).() -> list(A)"),
    (Op::Sort, "sort; list_int_sort; list(int).() -> list(int)"),
    (Op::Sort, "sort; list_uint_sort; list(uint).() -> list(uint)"),
    (Op::Sort, "sort; list_double_sort; list(double).() -> list(double)"),
    (Op::Sort, "sort; list_bool_sort; list(bool).() -> list(bool)"),
    (Op::Sort, "sort; list_duration_sort; list(duration).() -> list(duration)"),
    (Op::Sort, "sort; list_timestamp_sort; list(timestamp).() -> list(timestamp)"),
    (Op::Sort, "sort; list_string_sort; list(string).() -> list(string)"),
    (Op::Sort, "sort; list_bytes_sort; list(bytes).() -> list(bytes)"),
    (Op::SortBy, "@sortByAssociatedKeys; list_int_sortByAssociatedKeys; list(A).(list(int)) -> list(A)"),
    (Op::SortBy, "@sortByAssociatedKeys; list_uint_sortByAssociatedKeys; list(A).(list(uint)) -> list(A)"),
    (
        Op::SortBy,
        "@sortByAssociatedKeys; list_double_sortByAssociatedKeys; list(A).(list(double)) -> list(A)",
    ),
    (Op::SortBy, "@sortByAssociatedKeys; list_bool_sortByAssociatedKeys; list(A).(list(bool)) -> list(A)"),
    (
        Op::SortBy,
        "@sortByAssociatedKeys; list_duration_sortByAssociatedKeys; list(A).(list(duration)) -> list(A)",
    ),
    (
        Op::SortBy,
        "@sortByAssociatedKeys; list_timestamp_sortByAssociatedKeys; list(A).(list(timestamp)) -> list(A)",
    ),
    (
        Op::SortBy,
        "@sortByAssociatedKeys; list_string_sortByAssociatedKeys; list(A).(list(string)) -> list(A)",
    ),
    (Op::SortBy, "@sortByAssociatedKeys; list_bytes_sortByAssociatedKeys; list(A).(list(bytes)) -> list(A)"),
];

const JSON_PATCH: Lines =
    &[(Op::EscapeKey, "jsonpatch.escapeKey; string_jsonpatch_escapeKey_string; (string) -> string")];

const BEYOND: Lines = &[
    (Op::Greatest, "math.greatest; math_greatest; (dyn) -> dyn"),
    (Op::Greatest, "math.greatest; math_greatest_2; (dyn, dyn) -> dyn"),
    (Op::Greatest, "math.greatest; math_greatest_3; (dyn, dyn, dyn) -> dyn"),
    (Op::Least, "math.least; math_least; (dyn) -> dyn"),
    (Op::Least, "math.least; math_least_2; (dyn, dyn) -> dyn"),
    (Op::Least, "math.least; math_least_3; (dyn, dyn, dyn) -> dyn"),
    (Op::Greatest, "math.greatest; math_greatest_4; (dyn, dyn, dyn, dyn) -> dyn"),
    (Op::Greatest, "math.greatest; math_greatest_5; (dyn, dyn, dyn, dyn, dyn) -> dyn"),
    (Op::Least, "math.least; math_least_4; (dyn, dyn, dyn, dyn) -> dyn"),
    (Op::Least, "math.least; math_least_5; (dyn, dyn, dyn, dyn, dyn) -> dyn"),
    (Op::Reverse, "reverse; string_reverse; string.() -> string"),
    (Op::Ceil, "math.ceil; math_ceil_double; (double) -> double"),
    (Op::Floor, "math.floor; math_floor_double; (double) -> double"),
    (Op::Round, "math.round; math_round_double; (double) -> double"),
    (Op::Trunc, "math.trunc; math_trunc_double; (double) -> double"),
    (Op::Abs, "math.abs; math_abs_double; (double) -> double"),
    (Op::Abs, "math.abs; math_abs_int; (int) -> int"),
    (Op::Abs, "math.abs; math_abs_uint; (uint) -> uint"),
    (Op::SignOf, "math.sign; math_sign_double; (double) -> double"),
    (Op::SignOf, "math.sign; math_sign_int; (int) -> int"),
    (Op::SignOf, "math.sign; math_sign_uint; (uint) -> uint"),
    (Op::IsNan, "math.isNaN; math_isNaN_double; (double) -> bool"),
    (Op::IsInf, "math.isInf; math_isInf_double; (double) -> bool"),
    (Op::IsFinite, "math.isFinite; math_isFinite_double; (double) -> bool"),
    (Op::BitAnd, "math.bitAnd; math_bitAnd_int_int; (int, int) -> int"),
    (Op::BitAnd, "math.bitAnd; math_bitAnd_uint_uint; (uint, uint) -> uint"),
    (Op::BitOr, "math.bitOr; math_bitOr_int_int; (int, int) -> int"),
    (Op::BitOr, "math.bitOr; math_bitOr_uint_uint; (uint, uint) -> uint"),
    (Op::BitXor, "math.bitXor; math_bitXor_int_int; (int, int) -> int"),
    (Op::BitXor, "math.bitXor; math_bitXor_uint_uint; (uint, uint) -> uint"),
    (Op::BitNot, "math.bitNot; math_bitNot_int_int; (int) -> int"),
    (Op::BitNot, "math.bitNot; math_bitNot_uint_uint; (uint) -> uint"),
    (Op::ShiftLeft, "math.bitShiftLeft; math_bitShiftLeft_int_int; (int, int) -> int"),
    (Op::ShiftLeft, "math.bitShiftLeft; math_bitShiftLeft_uint_int; (uint, int) -> uint"),
    (Op::ShiftRight, "math.bitShiftRight; math_bitShiftRight_int_int; (int, int) -> int"),
    (Op::ShiftRight, "math.bitShiftRight; math_bitShiftRight_uint_int; (uint, int) -> uint"),
    (Op::Sqrt, "math.sqrt; math_sqrt_double; (double) -> double"),
    (Op::Sqrt, "math.sqrt; math_sqrt_int; (int) -> double"),
    (Op::Sqrt, "math.sqrt; math_sqrt_uint; (uint) -> double"),
];

const BASE64: Lines = &[
    (Op::Base64Decode, "base64.decode; base64_decode_string; (string) -> bytes"),
    (Op::Base64Encode, "base64.encode; base64_encode_bytes; (bytes) -> string"),
];
