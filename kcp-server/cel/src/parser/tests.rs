use super::*;

fn refused(source: &str, expected: &str) {
    let error = parse(source, &Environment::stored_expressions()).expect_err(source);
    assert_eq!(error.to_string(), expected, "{source}");
}

#[test]
fn what_cannot_be_parsed() {
    refused(
        "self.",
        "ERROR: <input>:1:6: Syntax error: no viable alternative at input '.'\n | self.\n | .....^",
    );
    refused(
        "1 +",
        &format!(
            "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {OPERAND}\n | 1 +\n | ...^"
        ),
    );
    refused("1 2", "ERROR: <input>:1:3: Syntax error: extraneous input '2' expecting <EOF>\n | 1 2\n | ..^");
    refused("a)", "ERROR: <input>:1:2: Syntax error: extraneous input ')' expecting <EOF>\n | a)\n | .^");
    refused("(a", "ERROR: <input>:1:3: Syntax error: missing ')' at '<EOF>'\n | (a\n | ..^");
    refused(
        "a # b",
        "ERROR: <input>:1:3: Syntax error: token recognition error at: '#'\n | a # b\n | ..^\nERROR: <input>:1:5: Syntax error: extraneous input 'b' expecting <EOF>\n | a # b\n | ....^",
    );
    refused("99999999999999999999", "ERROR: <input>:1:1: invalid int literal\n | 99999999999999999999\n | ^");
    refused("1e999", "ERROR: <input>:1:1: invalid double literal\n | 1e999\n | ^");
    refused("while", "ERROR: <input>:1:1: reserved identifier: while\n | while\n | ^");
    refused("has(a)", "ERROR: <input>:1:5: invalid argument to has() macro\n | has(a)\n | ....^");
    refused(
        "a.all(b.c, true)",
        "ERROR: <input>:1:8: argument must be a simple name\n | a.all(b.c, true)\n | .......^",
    );
    refused(
        "a.all(x, x, true)",
        "ERROR: <input>:1:10: duplicate variable name: x\n | a.all(x, x, true)\n | .........^",
    );
}

#[test]
fn limits() {
    let deep =
        |open: &str, close: &str, count: usize| format!("{}1{}", open.repeat(count), close.repeat(count));
    for source in [
        deep("(", ")", 300),
        deep("[", "]", 300),
        deep("{1:", "}", 300),
        deep("f(", ")", 300),
        "1+".repeat(300) + "1",
        "a".to_owned() + &".b".repeat(300),
        "a".to_owned() + &"[0]".repeat(300),
        "true?1:".repeat(300) + "1",
    ] {
        refused(&source, "ERROR: <input>:-1:0: expression recursion limit exceeded: 250");
    }
    for source in [
        deep("(", ")", 240),
        "1+".repeat(240) + "1",
        "true && ".repeat(5_000) + "true",
        "!".repeat(900) + "true",
    ] {
        assert!(parse(&source, &Environment::stored_expressions()).is_ok(), "{}", &source[..20]);
    }
    refused(
        &format!("'{}'", "a".repeat(1 << 20)),
        "ERROR: <input>:-1:0: expression code point size exceeds limit: size: 1048578, limit 100000",
    );
}

#[test]
fn older_environments_know_less() {
    let old = Environment::kubernetes(27);
    for (source, message) in [
        ("a.?b", "unsupported syntax '.?'"),
        ("a[?0]", "unsupported syntax '[?'"),
        ("[?a]", "unsupported syntax '?'"),
        ("{?'a': b}", "unsupported syntax '?'"),
    ] {
        let error = parse(source, &old).expect_err(source);
        assert_eq!(error.problems[0].message, message, "{source}");
        assert!(parse(source, &Environment::new_expressions()).is_ok(), "{source}");
    }
    assert!(parse("a.`b-c`", &Environment::stored_expressions()).is_err());
    assert!(parse("a.`b-c`", &Environment::extended()).is_ok());
}
