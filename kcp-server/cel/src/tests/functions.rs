use super::check;

#[test]
fn strings() {
    check("'tacocat'.charAt(3) + 'tacocat'.charAt(7)", "\"o\"");
    check("'tacocat'.charAt(8)", "! index out of range: 8");
    check("'tacocat'.indexOf('a') + 'tacocat'.lastIndexOf('a') + 'tacocat'.indexOf('z')", "5");
    check("'ta©o©αT'.lastIndexOf('©', 3)", "2");
    check("'hello'.replace('l', 'L', 1)", "\"heLlo\"");
    check("'a,b,c'.split(',', 2)", "[\"a\", \"b,c\"]");
    check("'abc'.split('')", "[\"a\", \"b\", \"c\"]");
    check("'tacocat'.substring(0, 4)", "\"taco\"");
    check("'tacocat'.substring(4, 2)", "! invalid substring range. start: 4, end: 2");
    check("'  a\\t'.trim()", "\"a\"");
    check("['a', 'b'].join('-')", "\"a-b\"");
    check("'TacoÉ'.lowerAscii() + 'é'.upperAscii()", "\"tacoÉé\"");
    check("strings.quote('a\"\\n')", r#""\"a\\\"\\n\"""#);
    check("'%s has %d, %.2f, %x'.format(['a', 3, 1.5, 255])", "\"a has 3, 1.50, ff\"");
    check("'%s'.format([[1, 'a']])", r#""[1, \"a\"]""#);
    check(
        "'%d'.format([dyn('a')])",
        "! error during formatting: decimal clause can only be used on integers, was given string",
    );
}

#[test]
fn lists() {
    check("[1, 2, 2].isSorted() && !['b', 'a'].isSorted()", "true");
    check("[1, 2].sum() + [].map(x, int(x)).sum()", "3");
    check("[1.5, 2.5].sum()", "4.0");
    check("[3, 1].min() + [3, 1].max()", "4");
    check("['a'].filter(x, false).min()", "! min called on empty list");
    check("[1, 2, 1].indexOf(1) + [1, 2, 1].lastIndexOf(1)", "2");
    check("[1, 2, 3].slice(1, 3)", "[2, 3]");
    check("[[1], [2, 3]].flatten()", "[1, 2, 3]");
    check("lists.range(3).reverse()", "[2, 1, 0]");
    check("[1, 2, 1].distinct()", "[1, 2]");
    check("['b', 'a'].sort()", "[\"a\", \"b\"]");
    check(
        "sets.contains([1, 2], [2]) && sets.equivalent([1, 1], [1]) && sets.intersects([1], [1, 2])",
        "true",
    );
}

#[test]
fn regular_expressions() {
    check("'abc 123'.find('[0-9]+')", "\"123\"");
    check("'a1b2'.findAll('[0-9]') == ['1', '2'] && 'a1b2'.findAll('[0-9]', 1) == ['1']", "true");
    check("'a'.find('(' + '')", "! Illegal regex: error parsing regexp: missing closing ): `(`");
    check("'a'.find('(')", "! error parsing regexp: missing closing ): `(`");
    // What backtracking engines need years for.
    check("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'.matches('^(a|a)*$')", "false");
}

#[test]
fn urls() {
    check("url('https://u@example.com:80/a?b=c&b=d').getQuery()", "{\"b\": [\"c\", \"d\"]}");
    check("url('https://example.com:80/a b').getEscapedPath()", "\"/a%20b\"");
    check("url('https://[::1]:80/').getHostname() + url('https://[::1]:80/').getPort()", "\"::180\"");
    check("isURL('/a') && !isURL('a')", "true");
    check(
        "url('a')",
        "! URL parse error during conversion from string: parse \"a\": invalid URI for request",
    );
}

#[test]
fn quantities() {
    check("quantity('1Gi').isGreaterThan(quantity('500Mi'))", "true");
    check("quantity('50k').add(1) == quantity('50001')", "true");
    check("quantity('1.5').isInteger() || quantity('200M').asInteger() != 200000000", "false");
    check("sign(quantity('-1'))", "-1");
    check("quantity('9999999999999999999999').isInteger()", "false");
    check("isQuantity('1.3Gi') && !isQuantity('1 Gi')", "true");
    check("quantity('1').compareTo(quantity('1000m'))", "0");
    check("quantity('1.5').asApproximateFloat()", "1.5");
    check(
        "quantity('x')",
        "! quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
}

#[test]
fn addresses() {
    check("ip('192.168.0.1').family() + ip('::1').family()", "10");
    check(
        "ip('127.0.0.1').isLoopback() && ip('fe80::1').isLinkLocalUnicast() && ip('8.8.8.8').isGlobalUnicast()",
        "true",
    );
    check("ip.isCanonical('2001:db8::abcd') && !ip.isCanonical('2001:DB8::ABCD')", "true");
    check("ip('::ffff:1.2.3.4')", "! IPv4-mapped IPv6 address \"::ffff:1.2.3.4\" is not allowed");
    check(
        "cidr('192.168.0.0/24').containsIP('192.168.0.7') && !cidr('10.0.0.0/8').containsIP('11.0.0.1')",
        "true",
    );
    check(
        "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.1.0.0/16').containsCIDR('10.0.0.0/8')",
        "true",
    );
    check("string(cidr('192.168.1.7/24').masked()) + string(cidr('::1/128').ip())", "\"192.168.1.0/24::1\"");
    check("isCIDR('1.2.3.4/33') || isIP('1.2.3')", "false");
}

#[test]
fn versions_and_formats() {
    check(
        "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-rc.1').compareTo(semver('1.0.0')) == -1",
        "true",
    );
    check("isSemver('v1.0') || !isSemver('v1.0', true) || semver('v01.2', true).minor() != 2", "false");
    check("format.dns1123Label().validate('my-name')", "none");
    check("!format.named('uuid').value().validate('x').hasValue()", "false");
    check("format.named('unknown')", "none");
    check("format.dns1123Label().validate('My').value()[0].startsWith('a lowercase RFC 1123 label')", "true");
}

#[test]
fn beyond_kubernetes() {
    check("math.greatest(1, 2.5, 3u) == 3 && math.least([4, 2]) == 2 && math.abs(-1) == 1", "true");
    check("base64.decode('aGk=') == b'hi' && base64.encode(b'hi') == 'aGk='", "true");
    check("jsonpatch.escapeKey('a/b~c')", "\"a~1b~0c\"");
}

#[test]
fn dyn_decides_when_it_runs() {
    check("dyn('a').size() + dyn([1]).size()", "2");
    check("dyn(1).size()", "! no such overload: size(int)");
    check("dyn('a').startsWith(dyn(1))", "! no such overload: startsWith(string, int)");
    check("dyn(1) + dyn('a')", "! no such overload");
    check("dyn('a') in dyn([1, 'a'])", "true");
}
