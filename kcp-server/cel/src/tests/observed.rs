//! What kube-apiserver 1.36 says of expressions: the most they cost, what evaluating them costs, and the
//! value or the message. The table beside this file was observed; a line with an expression is followed
//! by one with `<most> <cost> <value>`, `<most> <cost> fails: <message>` or `refused: <message>`.

use super::{list, member, string};
use crate::{Budget, CompileError, Compiler, Decl, Environment, Format, Input, ListKind, Type, Variable};
use kcp_apimachinery::value;
use std::sync::Arc;

const TABLE: &str = include_str!("kube_apiserver.txt");

fn text(max: i64) -> Decl {
    Decl::string(Format::Plain, Some(max), None)
}

fn thing() -> Decl {
    let mut name = member("name", text(15));
    name.required = true;
    let port = Decl::object(vec![name, member("port", Decl::integer())]);
    let inner = Decl::object(vec![member("x", Decl::integer())]);
    Decl::object(vec![
        member("replicas", Decl::integer()),
        member("maxReplicas", Decl::integer()),
        member("ratio", Decl::number()),
        member("name", text(20)),
        member("text", string()),
        member("kind", Decl::string(Format::Plain, None, Some(2))),
        member("at", Decl::int_or_string(None)),
        member("when", Decl::string(Format::DateTime, None, None)),
        member("every", Decl::string(Format::Duration, None, None)),
        member("data", Decl::string(Format::Byte, Some(40), None)),
        member("list", Decl::list(Decl::integer(), Some(10), ListKind::Atomic)),
        member("names", Decl::list(text(10), Some(5), ListKind::Atomic)),
        member("all", list(string())),
        member("set", Decl::list(string(), None, ListKind::Set)),
        member("ports", Decl::list(port, Some(8), ListKind::Map(Box::new(["name".into()])))),
        member("labels", Decl::map(text(30), Some(6))),
        member("free", Decl::map(string(), None)),
        member("nested", Decl::object(vec![member("flag", Decl::boolean()), member("inner", inner)])),
        member("maybe", Decl::integer().or_null()),
    ])
}

fn odd_names() -> Decl {
    let metadata = Decl::object(vec![member("name", string()), member("generateName", string())]);
    let embedded = Decl::object(vec![
        member("kind", string()),
        member("apiVersion", string()),
        member("metadata", metadata),
    ]);
    Decl::object(vec![
        member("a.b", string()),
        member("if", Decl::integer()),
        member("x__y", Decl::boolean()),
        member("d-e/f", list(string())),
        member("namespace", string()),
        member("$bad", string()),
        member("free", Decl::object(vec![])),
        member("emb", embedded),
        member("o", Decl::object(vec![])),
    ])
}

fn declared(title: &str) -> Decl {
    let mut id = member("id", text(5));
    id.required = true;
    let item = Decl::object(vec![id, member("n", Decl::integer())]);
    match title {
        "a thing" => thing(),
        "a string" => text(20),
        "a list" => Decl::list(item, Some(7), ListKind::Atomic),
        "a map" => Decl::map(Decl::list(text(9), Some(3), ListKind::Atomic), Some(4)),
        "a number" => Decl::integer(),
        "odd names" => odd_names(),
        other => panic!("{other} is not declared"),
    }
}

fn ours(compiler: &Compiler, object: &value::Value, expression: &str) -> String {
    let quoted = |message: String| String::from_utf8(value::encode(&message.into())).expect("text");
    let program = match compiler.compile(expression) {
        Ok(program) if matches!(program.output(), Type::Bool) => program,
        Ok(_) => return "refused: \"cel expression must evaluate to a bool\"".to_owned(),
        Err(CompileError::Problems(problems)) => return format!("refused: {}", quoted(problems.to_string())),
        Err(CompileError::Instantiation(message)) => return format!("refused: {}", quoted(message)),
    };
    let outcome = program.eval(&[Input::Tree(object)], Budget { cost: 10_000_000, cancelled: None });
    let result = match outcome.value {
        Ok(value) => crate::library::debug(&value),
        Err(error) => format!("fails: {}", quoted(error.to_string())),
    };
    format!("{} {} {result}", program.cost().max, outcome.cost)
}

#[test]
fn verdicts_values_and_costs_are_those_of_kube_apiserver() {
    let mut lines = TABLE.lines();
    let mut at = None;
    let mut count = 0;
    while let Some(line) = lines.next() {
        let next = lines.next().expect("a line that says what comes of it");
        if let Some(title) = line.strip_prefix("# ") {
            let variable = Variable::declared("self", Arc::new(declared(title)));
            let compiler = Compiler::new(Environment::stored_expressions(), vec![variable]);
            at = Some((compiler, value::decode(next.as_bytes()).expect("an object")));
            continue;
        }
        let (compiler, object) = at.as_ref().expect("a title first");
        assert_eq!(ours(compiler, object, line), next.trim_start(), "{line}");
        count += 1;
    }
    assert_eq!(count, 437);
}
