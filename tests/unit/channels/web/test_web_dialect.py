"""The HTML of the web chat: the author's markup becomes our few tags, and nothing else becomes a tag."""

from __future__ import annotations

import re

import pytest

from channels.body import parse_body, text_body
from channels.dialects import dialect_named
from channels.model import Body, Link, Paragraph, Text
from channels.web.dialect import WEB_HTML, plain_html
from channels.web.spec import SPEC

TAG = re.compile(r"<(?!/?(?:p|b|i|ul|ol|li|code|blockquote|br|a)(?: href=\"[^\"]*\"| start=\"\d+\")?>)")


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("просто", "<p>просто</p>"),
        ("**жирно** и *курсив*", "<p><b>жирно</b> и <i>курсив</i></p>"),
        ("`a<b`", "<p><code>a&lt;b</code></p>"),
        ("строка\nещё\n\nабзац", "<p>строка<br>ещё</p><p>абзац</p>"),
        ("- раз\n- два", "<ul><li>раз</li><li>два</li></ul>"),
        ("1. раз\n2. два", "<ol><li>раз</li><li>два</li></ol>"),
        ("3. три\n4. четыре", '<ol start="3"><li>три</li><li>четыре</li></ol>'),
        ("> цитата", "<blockquote>цитата</blockquote>"),
        ("[т](https://example.ru/?a=1&b=2)", '<p><a href="https://example.ru/?a=1&amp;b=2">т</a></p>'),
        ("[почта](mailto:a@example.ru)", '<p><a href="mailto:a@example.ru">почта</a></p>'),
        ("", ""),
    ],
)
def test_markdown_becomes_html(markdown: str, html: str) -> None:
    assert WEB_HTML.write(parse_body(markdown)) == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "</p><svg onload=alert(1)>",
        '[x](javascript:alert(1)) <a href="data:text/html,x">',
        '**<b onclick="x">**',
        "`</code><script>`",
        '[<i>x](https://example.ru/"onclick="x)',
        "> <iframe>",
        "- <style>",
    ],
)
def test_content_never_becomes_a_tag(text: str) -> None:
    for html in (WEB_HTML.write(parse_body(text)), WEB_HTML.write(text_body(text)), plain_html(text)):
        assert TAG.search(html) is None
        assert 'href="javascript' not in html
        assert 'href="data' not in html


def test_a_link_with_a_dangerous_address_keeps_only_words() -> None:
    body = Body((Paragraph((Link("javascript:alert(1)", (Text("жми"),)),)),))
    assert "<a" not in WEB_HTML.write(body)
    assert "жми" in WEB_HTML.write(body)


def test_the_spec_names_a_dialect_that_exists() -> None:
    assert dialect_named(SPEC.capabilities.dialect) is WEB_HTML


def test_plain_text_keeps_its_lines() -> None:
    assert plain_html("a & b\nв\n\nг") == "<p>a &amp; b<br>в</p><p>г</p>"
