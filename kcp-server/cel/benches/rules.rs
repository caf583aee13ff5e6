//! How long it takes to compile and to evaluate rules, and what a compiled one weighs. Prints a table.

#![expect(clippy::print_stdout, reason = "it prints its results")]

use kcp_apimachinery::{Value, value};
use kcp_cel::{Budget, Compiler, Decl, Environment, Format, Input, ListKind, Member, Program, Variable};
use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

fn main() {
    let compiler =
        Compiler::new(Environment::stored_expressions(), vec![Variable::declared("self", Arc::new(decl()))]);
    let object = object();
    let typical = "!has(self.name) || (self.name.size() < 64 && self.names.all(n, n != self.name))";
    row("compile a typical rule", "20 µs", per_run(|| drop(black_box(compiler.compile(typical)))));
    for (name, goal, expression) in [
        ("evaluate self.replicas <= self.maxReplicas", "0.3 µs", "self.replicas <= self.maxReplicas"),
        ("evaluate a typical rule, 10 names", "", typical),
        ("evaluate all() over 100 elements", "15 µs", "self.numbers.all(x, x >= 0)"),
        ("evaluate map() over 100 elements", "", "self.numbers.map(x, x + 1).size() == 100"),
        (
            "stop a loop of 1,000 × 1,000 by its budget",
            "10 ms",
            "self.many.all(x, self.many.all(y, x + y >= 0))",
        ),
    ] {
        let program = compile(&compiler, expression);
        let time = per_run(|| {
            let budget = Budget { cost: 1_000_000, cancelled: None };
            drop(black_box(program.eval(&[Input::Tree(&object)], budget)));
        });
        row(name, goal, time);
    }
    let rules: Vec<Program> =
        (0..20).map(|_| compile(&compiler, "self.replicas <= self.maxReplicas")).collect();
    let time = per_run(|| {
        for rule in &rules {
            let budget = Budget { cost: 1_000_000, cancelled: None };
            drop(black_box(rule.eval(&[Input::Tree(&object)], budget)));
        }
    });
    row("20 rules on an object of 6 KB", "15 µs", time);
    let bytes = compile(&compiler, typical).bytes();
    println!("{:<45} {:>12} {:>10}", "memory of a compiled typical rule", format!("{bytes} B"), "4 KiB");
}

fn row(name: &str, goal: &str, time: Duration) {
    println!("{name:<45} {:>12} {goal:>10}", format!("{time:.1?}"));
}

/// The time of one run, as the best of many short rounds: on a busy machine long ones are interrupted.
fn per_run(mut run: impl FnMut()) -> Duration {
    let started = Instant::now();
    run();
    let once = started.elapsed().max(Duration::from_nanos(50));
    let runs = u32::try_from(Duration::from_millis(1).as_nanos() / once.as_nanos()).unwrap_or(1);
    let runs = runs.max(1);
    let ends = Instant::now() + Duration::from_secs(1);
    let mut best = Duration::MAX;
    while Instant::now() < ends {
        let started = Instant::now();
        (0..runs).for_each(|_| run());
        best = best.min(started.elapsed() / runs);
    }
    best
}

fn compile(compiler: &Compiler, expression: &str) -> Program {
    match compiler.compile(expression) {
        Ok(program) => program,
        Err(error) => panic!("{expression}: {error}"),
    }
}

fn decl() -> Decl {
    let member = |name: &str, decl| Member { name: name.into(), decl, required: false };
    let string = || Decl::string(Format::Plain, Some(64), None);
    let list = |of| Decl::list(of, Some(1_000), ListKind::Atomic);
    Decl::object(vec![
        member("replicas", Decl::integer()),
        member("maxReplicas", Decl::integer()),
        member("name", string()),
        member("names", list(string())),
        member("numbers", list(Decl::integer())),
        member("many", list(Decl::integer())),
    ])
}

fn object() -> Value {
    let count = |to: i64| -> Value { (0..to).map(Value::Int).collect() };
    let names: Value = (0..10).map(|number| Value::from(format!("name-{number}"))).collect();
    value!({
        "replicas": 3_i64, "maxReplicas": 5_i64, "name": "me", "names": names,
        "numbers": (count(100)), "many": (count(1_000)),
    })
}
