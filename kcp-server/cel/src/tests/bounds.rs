//! What nobody should write, and what is random.

use super::{list, member, string};
use crate::{
    Budget, Compiler, Decl, Environment, EvalError, Input, ListKind, Program, Variable,
    authorizer::{Authorizer, Decision, Question},
};
use kcp_apimachinery::{Value, value};
use proptest::prelude::*;
use std::{cell::Cell, sync::Arc};

fn compiled(expression: &str) -> Program {
    let decl = Decl::object(vec![
        member("numbers", list(Decl::integer())),
        member("names", Decl::list(string(), None, ListKind::Set)),
        member("name", string()),
        member("nested", list(list(Decl::integer()))),
        member("any", Decl::any()),
    ]);
    let compiler = Compiler::new(Environment::extended(), vec![Variable::declared("self", Arc::new(decl))]);
    compiler.compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"))
}

fn large() -> Value {
    let numbers: Value = (0..1_000_i64).map(Value::Int).collect();
    let nested: Value = (0..1_000).map(|_| numbers.clone()).collect();
    value!({"numbers": numbers, "name": ("a".repeat(100_000)), "nested": nested, "any": null})
}

fn stopped(expression: &str, cost: u64) {
    let (program, object) = (compiled(expression), large());
    let outcome = program.eval(&[Input::Tree(&object)], Budget { cost, cancelled: None });
    assert_eq!(outcome.value.err(), Some(EvalError::OverBudget), "{expression}");
}

#[test]
fn what_costs_too_much_is_stopped() {
    stopped("self.numbers.all(x, self.numbers.all(y, x >= 0 && y >= 0))", 100_000);
    stopped("self.numbers.map(x, self.numbers.map(y, self.numbers)).size() > 0", 100_000);
    stopped("self.numbers.map(x, self.name).join('').size() > 0", 50_000);
    stopped("self.name.replace('', self.name).size() > 0", 100_000);
    stopped("self.name.replace('a', self.name).replace('a', self.name).size() > 0", 1_000_000);
    stopped("self.name.matches('(a|aa)+$(a|b)*c' + self.name)", 1_000_000);
    stopped("self.numbers.exists(x, self.numbers.exists(y, self.name.contains('b')))", 1_000_000);
    stopped("lists.range(1000000).map(x, lists.range(1000000)).size() > 0", 1_000_000);
    stopped("self.numbers.all(x, self.numbers.distinct().size() > 0)", 10_000_000);
    stopped("cel.bind(a, self.name + self.name, cel.bind(b, a + a, (b + b + b + b).size() > 0))", 100_000);
}

#[test]
fn work_that_costs_nothing_is_stopped_too() {
    // Equality is charged by the length of the outer list only.
    stopped("self.numbers.all(x, self.nested == self.nested)", 100_000);
    stopped("self.numbers.all(x, dyn(self.nested) in [self.nested])", 100_000);
    // Nothing is charged for this but the name, twice as often with each line.
    let nested = (0..40).fold("optional.of(1)".to_owned(), |inner, _| format!("{inner}.optMap(x, x + 1)"));
    stopped(&format!("{nested}.hasValue()"), 100_000);
}

#[test]
fn somebody_else_can_stop_it() {
    let (program, object) = (compiled("self.numbers.all(x, self.numbers.all(y, true))"), large());
    let asked = Cell::new(0);
    let cancelled = || {
        asked.set(asked.get() + 1);
        asked.get() == 3
    };
    let budget = Budget { cost: u64::MAX, cancelled: Some(&cancelled) };
    assert_eq!(program.eval(&[Input::Tree(&object)], budget).value.err(), Some(EvalError::Cancelled));
    assert_eq!(asked.get(), 3);
}

#[test]
fn as_deep_as_it_can_be() {
    let object = value!({"numbers": [1_i64]});
    for expression in [
        (0..240).fold("true".to_owned(), |inner, _| format!("!({inner})")),
        (0..80).fold("true".to_owned(), |inner, _| format!("self.numbers.all(x, {inner})")),
        (0..240).fold("true".to_owned(), |inner, _| format!("(true ? {inner} : false)")),
        (0..80).fold("[1]".to_owned(), |inner, _| format!("{inner}.map(x, x)")) + ".size() == 1",
        (0..120).fold("1".to_owned(), |inner, _| format!("[{inner}][0]")) + " == 1",
        (0..200).fold("1".to_owned(), |inner, _| format!("[{inner}]")) + " == []",
        (0..200).fold("self.any".to_owned(), |inner, _| format!("{inner}.a")) + " == 1",
    ] {
        let program = compiled(&expression);
        let _ = program.eval(&[Input::Tree(&object)], Budget { cost: 1_000_000, cancelled: None });
    }
}

#[test]
fn many_literals() {
    let numbers: Vec<String> = (0..12_000).map(|number| number.to_string()).collect();
    let program = compiled(&format!("5 in [{}]", numbers.join(", ")));
    let object = Value::object();
    let outcome = program.eval(&[Input::Tree(&object)], Budget { cost: 10, cancelled: None });
    assert_eq!(outcome.value.ok().and_then(|value| value.as_bool()), Some(true));
    let members: Vec<String> = (0..5_000).rev().map(|number| format!("'{number}': {number}")).collect();
    compiled(&format!("{{{}}}.size() == 5000", members.join(", ")));
}

/// Lets everyone read.
struct Readers;

impl Authorizer for Readers {
    fn check(&self, question: &Question, verb: &str) -> Decision {
        Decision { allowed: verb == "get", reason: format!("{:?}", question.about), error: String::new() }
    }
}

#[test]
fn an_authorizer_is_asked() {
    let variable = Variable::typed("authorizer", crate::Type::Opaque(crate::Opaque::Authorizer));
    let compiler = Compiler::new(Environment::stored_expressions(), vec![variable]);
    let program = compiler
        .compile(
            "authorizer.group('apps').resource('deployments').subresource('scale').namespace('a').name('b')\
             .check('get').allowed() && !authorizer.path('/healthz').check('put').allowed() && \
             authorizer.serviceAccount('ns', 'sa').path('/x').check('get').reason() == 'Path(\"/x\")'",
        )
        .expect("an expression");
    let question = || {
        Input::Made(crate::Val::Opaque(Arc::new(crate::OpaqueVal::Question(Question::new(Arc::new(
            Readers,
        ))))))
    };
    let outcome = program.eval(&[question()], Budget { cost: 2_000_000, cancelled: None });
    assert_eq!(outcome.value.ok().and_then(|value| value.as_bool()), Some(true));
    assert!(outcome.cost > 1_050_000 && program.cost().max >= outcome.cost);
}

/// Expressions of all kinds, most of which have a type.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "0",
        "2u",
        "1.5",
        "'a'",
        "''",
        "b'x'",
        "true",
        "null",
        "[]",
        "{}",
        "self",
        "self.numbers",
        "self.names",
        "self.name",
        "self.nested",
        "self.any",
        "self.missing",
        "dyn(1)",
        "[1, 2]",
        "{'a': 1}",
        "x",
        "9223372036854775807",
        "double('NaN')",
        "duration('1h')",
        "timestamp('2026-01-31T00:00:00Z')",
        "optional.none()",
        "optional.of(1)",
        "quantity('1')",
        "int",
        "type(1)",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (
                pair.clone(),
                prop::sample::select(vec!["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "in"])
            )
                .prop_map(|((a, b), operator)| format!("({a} {operator} {b})")),
            (
                pair.clone(),
                prop::sample::select(vec!["all", "exists", "exists_one", "map", "filter", "sortBy"])
            )
                .prop_map(|((a, b), name)| format!("{a}.{name}(x, {b})")),
            (
                inner.clone(),
                prop::sample::select(vec![
                    "size()",
                    "sum()",
                    "max()",
                    "isSorted()",
                    "distinct()",
                    "reverse()",
                    "flatten()",
                    "sort()",
                    "first()",
                    "hasValue()",
                    "value()",
                    "trim()",
                    "join()",
                    "getHours()",
                    "isInteger()",
                    "a",
                    "?a",
                    "split('')",
                ])
            )
                .prop_map(|(a, name)| format!("{a}.{name}")),
            (
                pair.clone(),
                prop::sample::select(vec!["contains", "matches", "indexOf", "startsWith", "orValue", "add"])
            )
                .prop_map(|((a, b), name)| format!("{a}.{name}({b})")),
            (
                inner.clone(),
                prop::sample::select(vec!["!", "-", "dyn", "string", "int", "double", "type", "size"])
            )
                .prop_map(|(a, name)| format!("{name}({a})")),
            (pair, inner.clone()).prop_map(|((a, b), c)| format!("({a} ? {b} : {c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("[{a}, {b}]")),
        ]
    })
}

fn any_compiler() -> Compiler {
    let decl = Decl::object(vec![
        member("numbers", list(Decl::integer())),
        member("names", Decl::list(string(), None, ListKind::Set)),
        member("name", string()),
        member("nested", list(list(Decl::integer()))),
        member("any", Decl::any()),
    ]);
    Compiler::new(Environment::stored_expressions(), vec![Variable::declared("self", Arc::new(decl))])
}

fn object() -> Value {
    value!({"numbers": [3_i64, 1_i64], "names": ["b", "a"], "name": "abc", "nested": [[1_i64], []], "any": {"a": [1_i64]}})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_answered(text in "\\PC{0,60}") {
        let _ = any_compiler().compile(&text);
    }

    #[test]
    fn any_tokens_are_answered(tokens in prop::collection::vec(prop::sample::select(vec![
        "(", ")", "[", "]", "{", "}", ".", ",", "?", ":", "-", "!", "+", "==", "&&", "||", "in", "1", "1u", "1.5", "'a'", "b'a'",
        "self", "x", "has", "all", "map", "true", "null", "name", ".?", "[?", "optMap", "cel", "bind", "\n", "r'\\'", "0x", "//",
    ]), 0..25)) {
        let _ = any_compiler().compile(&tokens.join(" "));
        let _ = any_compiler().compile(&tokens.concat());
    }

    /// What the checker accepts without `dyn` has a value of its type or an error that is not about types,
    /// and costs no more than was estimated.
    #[test]
    fn what_is_accepted_fits(expression in expression()) {
        let Ok(program) = any_compiler().compile(&expression) else { return Ok(()) };
        let object = object();
        let outcome = program.eval(&[Input::Tree(&object)], Budget { cost: 100_000, cancelled: None });
        let dynamic = ["dyn", "any", "null", "optional", "[]", "{}", "type", "int", "1, ", "a',"]
            .iter()
            .any(|word| expression.contains(word));
        match outcome.value {
            Ok(value) if !dynamic => {
                let (is, said) = (crate::value::type_name(&value.run_type()), crate::value::type_name(program.output()));
                prop_assert!(is == said || said == "dyn", "{}: {} is no {}", expression, is, said);
                prop_assert!(outcome.cost <= program.cost().max.saturating_add(expression.len() as u64), "{}: {} > {}", expression, outcome.cost, program.cost().max);
            }
            Err(EvalError::Failed { message, .. }) if !dynamic => {
                prop_assert!(!message.starts_with("no such overload"), "{}: {}", expression, message);
            }
            _ => {}
        }
    }
}
