"""Renders the snippets below with the real jinja2 and writes jinja-snippets.json, which jinja-snippets.test.ts compares.

    pip install jinja2==3.1.6 && python3 test/kit/jinja-snippets.py
"""

import json
import pathlib

import jinja2

CONTEXT = {
    "application": {"id": 7, "name": "shop", "full_name": "acme.shop", "directory": "/data/shop"},
    "host": {"id": 3, "name": "web-1.example", "ip": "10.0.0.7"},
    "task": {"id": 42, "version": "1.2.3", "level": "S", "creator": "li"},
    "version": "1.2.3",
    "previous_version": "",
    "deploy_path": "/srv/shop",
    "hosts": ["web-2", "web-1", "db-1"],
    "numbers": [3, 1, 2],
    "ports": {"http": 80, "https": 443},
    "rows": [{"name": "b", "size": 2, "on": True}, {"name": "a", "size": 10, "on": False}],
    "nothing": None,
    "number": 42,
    "real": 1.5,
    "yes": True,
}

SNIPPETS = r"""
{{ version.split('.') }}
{{ version.split('.')[0] }}-{{ version.split('.', 1)[1] }}
{{ version.rsplit('.', 1) }}
{{ '  a  b '.split() }}{{ 'a b c'.split(None, 1) }}
{{ version.replace('.', '_') }}
{{ version.replace('.', '_', 1) }}
{{ version.startswith('1.') }} {{ version.endswith(('.3', '.4')) }}
{{ 'x'.upper() }}{{ 'X'.lower() }}{{ 'ab'.title() }}{{ 'ab cd'.capitalize() }}
{{ 'a/b/'.rstrip('/') }}|{{ ' a '.strip() }}|{{ 'xxa'.lstrip('x') }}
{{ ports.items() }}
{{ ports.keys()|list }} {{ ports.values()|list }}
{% for k, v in ports.items() %}{{ k }}={{ v }} {% endfor %}
{% for k, v in ports|items %}{{ k }}={{ v }} {% endfor %}
{% for k, v in ports|dictsort %}{{ k }}={{ v }} {% endfor %}
{{ ports.get('http') }} {{ ports.get('ftp') }} {{ ports.get('ftp', 21) }}
{{ '%s-%s'|format(version, number) }}
{{ '%s is %d' % ('x', 5) }}
{{ '%05.1f|%-5s|%5s|%x' % (real, 'a', 'b', 255) }}
{{ '%(a)s/%(b)03d' % {'a': 1, 'b': 2} }}
{{ '%d%%' % 50 }}
{{ 7 % 3 }} {{ -7 % 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 / 2 }} {{ 2 ** 10 }}
{{ 'a b/c&d=ü'|urlencode }}
{{ {'a b': 'c&d', 'e': 1}|urlencode }}
{{ 'the quick brown fox jumps over the lazy dog'|wordcount }}
{{ 'the quick brown fox jumps over the lazy dog'|truncate(15) }}
{{ 'the quick brown fox jumps over the lazy dog'|truncate(15, True) }}
{{ 'the quick brown fox jumps over the lazy dog'|truncate(15, False, '…') }}
{{ 'the quick brown fox jumps over the lazy dog'|truncate(15, True, '..', 0) }}
{{ 'foo bar baz qux'|truncate(11) }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}
{% set a, b = version.split('.')[:2] %}{{ a }}+{{ b }}
{% set (a, b) = (3, 4) %}{{ a }}{{ b }}
{{ true }} {{ false }} {{ none }} {{ True }} {{ None }}
{{ yes }} {{ nothing }} {{ not yes }}
{{ hosts }}
{{ ports }}
{{ rows }}
{{ (1, 'a', none) }} {{ (1,) }} {{ () }} {{ [] }} {{ {} }}
{{ ["it's", 'say "hi"', 'both \' and "'] }}
{{ ['tab\t', 'line\n', 'ü', '\u200b', 'back\\slash'] }}
{{ [1.0, 2.5, 1e20, 1e-7, 0.1] }}
{{ 1.0 }} {{ 100000000000000000000.0 }} {{ 1e16 }} {{ 123456789.125 }} {{ 0.0001 }} {{ 0.00001 }}
{{ hosts|join(', ') }} {{ numbers|join }}
{{ [true, none, 1]|join(',') }} {{ 'x' ~ true ~ none ~ 1.0 }}
{{ hosts|sort }} {{ hosts|sort(reverse=true) }} {{ numbers|sort|reverse|list }}
{{ hosts|first }} {{ hosts|last }} {{ hosts|length }} {{ hosts|count }}
{{ numbers|sum }} {{ numbers|min }} {{ numbers|max }}
{{ rows|map(attribute='name')|list }} {{ rows|sum(attribute='size') }}
{{ rows|selectattr('on')|map(attribute='name')|join }} {{ rows|rejectattr('on')|list|length }}
{{ rows|selectattr('size', '>', 5)|map(attribute='name')|list }}
{{ rows|sort(attribute='size')|map(attribute='name')|list }} {{ rows|sort(attribute='name,size')|length }}
{% for key, group in rows|groupby('on') %}{{ key }}:{{ group|length }} {% endfor %}
{{ hosts|map('upper')|list }} {{ hosts|map('replace', '-', '_')|list }}
{{ hosts|select('equalto', 'db-1')|list }} {{ numbers|reject('odd')|list }}
{{ numbers|batch(2)|list }} {{ numbers|batch(2, 0)|list }} {{ numbers|slice(2)|list }}
{{ [1, 1, 2, 'a', 'A']|unique|list }}
{{ version|upper }} {{ 'ABC'|lower }} {{ 'hello world-wide (web)'|title }} {{ 'hELLO'|capitalize }}
{{ ' x '|trim }}|{{ 'xxaxx'|trim('x') }}
{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\n\nb'|indent(2, blank=true) }}
{{ 'a-b'|replace('-', '+') }} {{ 'aaa'|replace('a', 'b', 2) }}
{{ '42'|int + 1 }} {{ 'x'|int }} {{ 'x'|int(7) }} {{ '1f'|int(0, 16) }} {{ '3.9'|int }} {{ 3.9|int }}
{{ '1.5'|float }} {{ 'x'|float }} {{ 3|float }}
{{ 42.55|round }} {{ 42.55|round(1, 'floor') }} {{ 2.5|round }} {{ 3.5|round }} {{ 42.55|round|int }} {{ 0.125|round(2) }}
{{ -3|abs }} {{ 1.5|abs }}
{{ missing|default('d') }} {{ ''|default('e', true) }} {{ none|d('x') }} {{ none|d('x', true) }}
{{ missing is defined }} {{ version is defined }} {{ missing is undefined }}
{{ 4 is even }} {{ 4 is odd }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }}
{{ 'a' is string }} {{ 1 is number }} {{ 1.0 is float }} {{ 1 is integer }} {{ true is boolean }} {{ ports is mapping }} {{ hosts is sequence }} {{ none is none }} {{ hosts is iterable }}
{{ 'ABC' is upper }} {{ 'abc' is lower }} {{ 1 is eq 1 }} {{ 1 is ne 2 }} {{ 1 is in [1, 2] }} {{ 'x' is in 'xyz' }}
{{ 1 < 2 < 3 }} {{ 1 == 1.0 }} {{ 'a' in hosts }} {{ 'web' in 'web-1' }} {{ 3 not in numbers }}
{{ '' or 'fallback' }} {{ 'a' and 'b' }} {{ 0 or none }} {{ previous_version or 'nothing' }}
{{ 'yes' if yes else 'no' }} {{ 'x' if false }}|
{{ hosts[0] }} {{ hosts[-1] }} {{ hosts[0:2] }} {{ hosts[::-1] }} {{ version[0] }} {{ version[-3:] }} {{ version[::2] }}
{{ ports['http'] }} {{ ports.http }} {{ application['full_name'].split('.')|last }}
{% for h in hosts %}{{ loop.index }}/{{ loop.length }}{{ ' first' if loop.first }}{{ ' last' if loop.last }} {{ loop.revindex }};{% endfor %}
{% for h in hosts if h != 'db-1' %}{{ h }}{% if not loop.last %},{% endif %}{% else %}none{% endfor %}
{% for h in [] %}x{% else %}empty{% endfor %}
{% for h in hosts %}{{ loop.cycle('a', 'b') }}{{ loop.previtem|default('-') }}{{ loop.nextitem|default('-') }} {% endfor %}
{% for x in [1, [2, [3]]] recursive %}{{ loop(x) if x is not number else x }}{% endfor %}
{% for n in [1, 1, 2] %}{{ 'c' if loop.changed(n) else '-' }}{% endfor %}
{% macro m(a, b='x', c=none) %}{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1) }} {{ m(1, c=2) }} {{ m(1, 2, 3, 4, d=5) }}
{% macro m() %}<{{ caller('y') }}>{% endmacro %}{% call(x) m() %}{{ x }}z{% endcall %}
{% set ns = namespace(n=0) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}
{% set x = 1 %}{% for i in range(2) %}{% set x = 5 %}{% endfor %}{{ x }}
{% set x %}a{{ number }}b{% endset %}{{ x|upper }}
{% set x | upper | replace('A', 'c') %}ab{% endset %}{{ x }}
{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}
{% filter upper %}abc{{ version }}{% endfilter %}
{% if number > 40 and version.startswith('1') %}big{% elif number %}some{% else %}none{% endif %}
  {%- if yes %} a {%- endif -%}   b {# comment #} c {#- x -#} d
{% raw %}{{ no }} {% if %}{% endraw %}|{%- raw -%} x {%- endraw -%} |
{{ range(3)|list }} {{ range(1, 10, 3)|list }} {{ range(3, 0, -1)|list }}
{{ dict(a=1, b='x') }} {{ dict([('k', 'v')]) }}
{{ "a" "b" 'c' }} {{ 'it\'s' }} {{ "tab\there" }} {{ '\x41\u00e9' }}
{{ [1, 2] + [3] }} {{ (1,) + (2,) }} {{ 'ab' * 3 }} {{ [0] * 3 }} {{ 'a' + 'b' }}
{{ '{} and {}'.format('a', 1) }} {{ '{1}{0}'.format('a', 'b') }} {{ '{x:>5}|{y:05.2f}|{z:,}'.format(x='r', y=1.5, z=1234567) }}
{{ '{0!r} {{}} {0[1]}'.format(hosts) }}
{{ 'a,b,,c'.split(',') }} {{ 'a\nb\r\nc'.splitlines() }} {{ 'k=v=w'.partition('=') }} {{ 'k=v=w'.rpartition('=') }}
{{ '-'.join(hosts) }} {{ ','.join(['a']) }}
{{ 'abcabc'.find('c') }} {{ 'abcabc'.rfind('c') }} {{ 'abc'.find('z') }} {{ 'abcabc'.count('bc') }} {{ 'abc'.index('c') }}
{{ '42'.isdigit() }} {{ 'a1'.isalnum() }} {{ 'a'.isalpha() }} {{ ' '.isspace() }} {{ 'A'.isupper() }} {{ 'Ab'.istitle() }}
{{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} {{ 'a'.center(5, '*') }} {{ 'a'.ljust(3) }}| {{ 'a'.rjust(3, '.') }}
{{ 'v1.2'.removeprefix('v') }} {{ 'a.tar.gz'.removesuffix('.gz') }} {{ 'aBc'.swapcase() }}
{{ ports|tojson }} {{ hosts|tojson }} {{ "<a href='x'>&"|tojson }} {{ 'ü'|tojson }} {{ true|tojson }} {{ none|tojson }} {{ 1.0|tojson }}
{{ {'b': [1, {'c': none}], 'a': 2}|tojson(indent=2) }}
{{ 1234567|filesizeformat }} {{ 1024|filesizeformat(true) }} {{ 1|filesizeformat }} {{ 12|filesizeformat }}
{{ 'a'|center(5) }}| {{ 'ab'|center(5) }}|
{{ 'hello world foo'|wordwrap(7) }}
{{ 'abc'|reverse }} {{ hosts|reverse|list }} {{ 'abc'|list }} {{ 'abc'|first }}
{{ '<a>'|e }} {{ 'a'|string }} {{ 5|string ~ 'x' }}
{% set l = [1] %}{% set _ = l.append(2) %}{{ l }}{{ l.pop() }}{{ l|length }}
{% set d = {'a': 1} %}{% set _ = d.update({'b': 2}) %}{{ d }}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.current }}
{% set j = joiner('; ') %}{{ j() }}a{{ j() }}b
{{ -2 ** 2 }} {{ 2 ** 3 ** 2 }} {{ 1 + 2 * 3 - 4 / 2 }} {{ -number|abs }} {{ (1 + 2) * 3 }} {{ 10 - 2 - 3 }}
{{ 1 ~ 2 * 3 }} {{ 'a' ~ 'b' == 'ab' }} {{ not 1 == 2 }} {{ 1 if 0 else 2 if 0 else 3 }}
{{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ (1, 2) == (1, 2) }} {{ [1] == (1,) }} {{ {'a': 1} == {'a': 1.0} }}
{{ 12345678901234567890 + 1 }} {{ 0x1f }} {{ 1_000 }}
{{ true + 1 }} {{ true and 'x' }} {{ 1 == true }}
{{ hosts.index('db-1') }} {{ numbers.count(1) }}
{{ 'X'.join('abc') }} {{ 'abc'[1:] }} {{ 'ü€😀'|length }} {{ 'ü€😀'[2] }} {{ '😀a'|upper }}
{{ 'ß'.upper() }} {{ '配置'|length }} {{ ['配置'] }}
{{ {'a': {'b': [1, 2, {'c': 'd'}]}} }} {{ [['a']] }} {{ {1: 'x', none: 2, true: 3} }}
{{ 'the quick brown fox jumps over the lazy dog'|replace('the', 'a')|title }}
{{ ' a\tb\nc '|trim|replace('\n', ' ') }}
#!/bin/bash
echo "{{ host.name }}: {{ host.ip }}:{{ ports.http }}" # {{ application.full_name.split('.')|join('/') }}
"""

# Line ends, which the lines above cannot show.
MORE = [
    "a\r\nb {{ version }}\r\n{% if yes %}\r\nc\r\n{% endif %}\r\n",
    "a\rb\r\n{{ 'x' }}\r",
    "{{ 'a\r\nb'|length }}",
    "no line end",
    "two line ends\n\n",
]


def main():
    # Slipway keeps the last line end, which scripts need; all else is as jinja2 has it.
    environment = jinja2.Environment(keep_trailing_newline=True)
    templates = [line for line in SNIPPETS.strip("\n").split("\n")] + MORE
    rendered = [{"template": one, "text": environment.from_string(one).render(**CONTEXT)} for one in templates]
    path = pathlib.Path(__file__).with_name("jinja-snippets.json")
    found = {"jinja2": jinja2.__version__, "context": CONTEXT, "snippets": rendered}
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
