use super::check;

#[test]
fn numbers() {
    check("1 + 2 * 3", "7");
    check("-7 / 2", "-3");
    check("-7 % 3", "-1");
    check("7u - 7u", "0u");
    check("1.0 / 0.0", "inf");
    check("0x1F", "31");
    check("-9223372036854775808", "-9223372036854775808");
    check("1 / 0", "! division by zero");
    check("1 % 0", "! modulus by zero");
    check("9223372036854775807 + 1", "! integer overflow");
    check("-(-9223372036854775807 - 1)", "! integer overflow");
    check("(-9223372036854775807 - 1) / -1", "! integer overflow");
    check("9223372036854775807 * 2", "! integer overflow");
    check("0u - 1u", "! unsigned integer overflow");
    check("double('NaN') == double('NaN')", "false");
    check("double('NaN') < 1.0", "! NaN values cannot be ordered");
    check("1 < 1.5 && 2u > 1.5 && 1 < 2u", "true");
    check("dyn(1) == 1u && dyn(1) == 1.0", "true");
    check("dyn(1) == '1'", "false");
}

#[test]
fn errors_are_absorbed_where_they_do_not_matter() {
    check("true || 1 / 0 == 1", "true");
    check("1 / 0 == 1 || true", "true");
    check("false && 1 / 0 == 1", "false");
    check("1 / 0 == 1 && false", "false");
    check("1 / 0 == 1 && true", "! division by zero");
    check("1 / 0 == 1 || 1 % 0 == 1", "! division by zero");
    check("[1, 0, 2].exists(x, 2 / x == 1)", "true");
    check("[1, 0].all(x, 1 / x == 1)", "! division by zero");
    check("[0, 2].all(x, 1 / x == 1)", "false");
    check("true ? 1 : 1 / 0", "1");
    check("dyn(1) && true", "! no such overload");
}

#[test]
fn strings_are_characters() {
    check("size('héllo')", "5");
    check("'a' + 'b' == 'ab'", "true");
    check(r#"'\u00e9\x41\n' + "\"" + r'\n'"#, r#""éA\n\"\\n""#);
    check("'''a\nb'''", r#""a\nb""#);
    check("b'é' == b'\\303\\251'", "true");
    check("string(b'\\xff')", "! invalid UTF-8 in bytes, cannot convert to string");
    check("'abc' < 'abd' && 'Z' < 'a'", "true");
    check("'hello'.contains('ell') && 'hello'.startsWith('he') && 'hello'.endsWith('lo')", "true");
    check("'ab'.matches('^[a-b]+$') && matches('x', 'x|y')", "true");
}

#[test]
fn lists_and_maps() {
    check("[1, 2][1]", "2");
    check("[1, 2][2]", "! index out of bounds: 2");
    check("[1, 2][-1]", "! index out of bounds: -1");
    check("{'a': 1}['b']", "! no such key: b");
    check("{'a': 1}.a", "1");
    check("{1: 'a', 2u: 'b'}[2]", "\"b\"");
    check("{'a': 1, 'a': 2}", "! Failed with repeated key a");
    check("1 in [1, 2] && !(3 in [1, 2]) && 'a' in {'a': 1}", "true");
    check("has({'a': 1}.a) && !has({'a': 1}.b)", "true");
    check("[1] + [2] == [1, 2]", "true");
    check("{'a': [1]} == {'a': [1]}", "true");
    check("{'b': 1, 'a': 2}.map(k, k)", "[\"a\", \"b\"]");
}

#[test]
fn macros() {
    check("[1, 2, 3].filter(x, x > 1).map(x, x * 2)", "[4, 6]");
    check("[1, 2, 3].map(x, x > 1, x * 10)", "[20, 30]");
    check("[1, 2, 2].exists_one(x, x == 2)", "false");
    check("[1, 2].existsOne(x, x == 2)", "true");
    check("[[1], [2, 3]].map(l, l.map(x, x + size(l)))", "[[2], [4, 5]]");
    check("[5, 6].all(i, x, i < x)", "true");
    check("{'a': 1}.exists(k, v, k == 'a' && v == 1)", "true");
    check("[5, 6].transformList(i, x, i * x)", "[0, 6]");
    check("{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 2)", "{\"b\": 4}");
    check("['a', 'b'].transformMapEntry(i, x, {x: i})", "{\"a\": 0, \"b\": 1}");
    check("['a', 'a'].transformMapEntry(i, x, {x: i})", "! insert failed: key a already exists");
    check("cel.bind(x, 2, x * x)", "4");
    check("cel.bind(x, 1 / 0, true || x == 1)", "true");
    check("cel.bind(x, 1 / 0, x == 1 || x == 2)", "! division by zero");
    check("[3, 1, 2].sortBy(x, -x)", "[3, 2, 1]");
    check(
        "1.all(x, true)",
        "! ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | 1.all(x, true)\n | ^",
    );
}

#[test]
fn optionals() {
    check("{'a': 1}.?a", "some(1)");
    check("{'a': 1}.?b.orValue(7)", "7");
    check("{'a': {'b': 1}}.?a.b", "some(1)");
    check("[1, 2][?5].hasValue()", "false");
    check("optional.of(1).optMap(x, x + 1)", "some(2)");
    check("optional.none().optMap(x, x + 1)", "none");
    check("optional.of(1).optFlatMap(x, optional.of(x + 1)).value()", "2");
    check("optional.none().value()", "! optional.none() dereference");
    check("[?{'a': 1}.?a, ?optional.none(), 3]", "[1, 3]");
    check("{?'a': optional.none(), ?'b': optional.of(1)}", "{\"b\": 1}");
    check("optional.none().or(optional.of(2)).value()", "2");
    check("optional.ofNonZeroValue('') == optional.none()", "true");
    check("[1, 2].first().value() + [1, 2].last().value()", "3");
    check("[optional.of(1), optional.none()].unwrapOpt()", "[1]");
}

#[test]
fn conversions() {
    check("int('12') + int(3.9) + int(4u)", "19");
    check("int(1e19)", "! integer overflow");
    check("uint(-1)", "! unsigned integer overflow");
    check("string(1.0) + string(true) + string(1u)", "\"1true1\"");
    check("type(1) == int && type('a') == string && type([]) == list && type(null) == null_type", "true");
    check("bool('true')", "true");
    check("double('1e3')", "1000.0");
    check("duration('1h30m') + duration('30m') == duration('2h')", "true");
    check("string(duration('1h30m1.5s'))", "\"5401.5s\"");
    check("timestamp('2026-01-31T00:00:00Z') + duration('24h')", "timestamp(2026-02-01T00:00:00Z)");
    check("timestamp('2026-01-31T10:00:00Z').getHours('Europe/Berlin')", "11");
    check("timestamp('2026-07-31T10:00:00Z').getHours('Europe/Berlin')", "12");
    check("timestamp('2026-01-31T10:00:00Z').getDayOfWeek()", "6");
    check("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "! timestamp overflow");
    check("int('a')", "! type conversion error from 'string' to 'int'");
}

#[test]
fn what_is_refused_before_it_runs() {
    let at = |column: usize| ".".repeat(column);
    for (source, column, message) in [
        ("a + 1", 0, "undeclared reference to 'a' (in container '')"),
        ("'a' + 1", 4, "found no matching overload for '_+_' applied to '(string, int)'"),
        ("f(1)", 1, "undeclared reference to 'f' (in container '')"),
        ("1.foo()", 5, "undeclared reference to 'foo' (in container '')"),
        ("'a'.size", 3, "type 'string' does not support field selection"),
        ("1 && true", 0, "expected type 'bool' but found 'int'"),
        ("'a'.contains(1)", 12, "found no matching overload for 'contains' applied to 'string.(int)'"),
        ("duration('x')", 9, "invalid duration argument"),
        ("timestamp('x')", 10, "invalid timestamp argument"),
        ("matches('(', 'x')", 8, "invalid matches argument"),
        ("[?1]", 2, "expected type 'optional_type(int)' but found 'int'"),
        ("Foo{a: 1}", 3, "undeclared reference to 'Foo' (in container '')"),
    ] {
        let problem =
            format!("! ERROR: <input>:1:{}: {message}\n | {source}\n | {}^", column + 1, at(column));
        check(source, &problem);
    }
}
