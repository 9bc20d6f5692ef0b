"""The words of configuration problems, in English and in Russian."""

from __future__ import annotations

from config.problem import Problem

_MESSAGES: dict[str, tuple[str, str]] = {
    # values
    "unknown_key": ("unknown key", "неизвестный ключ"),
    "required": ("is required", "обязательное значение не задано"),
    "not_integer": ("must be a whole number{got}", "нужно целое число{got}"),
    "not_number": ("must be a number{got}", "нужно число{got}"),
    "not_boolean": ("must be true or false{got}", "нужно true или false{got}"),
    "not_text": ("must be a text value", "нужно текстовое значение"),
    "texts_section": (
        "texts stand inside of their language, ru or en",
        "тексты пишутся внутри своего языка, ru или en",
    ),
    "nameless": (
        "a name comes first, and these settings stand under it",
        "сначала имя, а эти настройки — под ним",
    ),
    "not_section": ("must be a section of keys and values", "нужен раздел из ключей и значений"),
    "not_list": ("must be a list", "нужен список"),
    "not_one_of": ("must be one of: {expected}{got}", "допустимые значения: {expected}{got}"),
    "at_least": ("must be at least {limit}{got}", "должно быть не меньше {limit}{got}"),
    "more_than": ("must be more than {limit}{got}", "должно быть больше {limit}{got}"),
    "at_most": ("must be at most {limit}{got}", "должно быть не больше {limit}{got}"),
    "less_than": ("must be less than {limit}{got}", "должно быть меньше {limit}{got}"),
    "empty": ("must not be empty", "не может быть пустым"),
    "too_short": ("must have at least {limit} characters", "нужно не меньше {limit} символов"),
    "too_long": ("must have at most {limit} characters", "нужно не больше {limit} символов"),
    "pattern": ("must match {limit}{got}", "должно соответствовать {limit}{got}"),
    "small_name": (
        "must be 1–32 characters: a small Latin letter, then small letters, digits, `_`{got}",
        "нужно 1–32 символа: строчная латинская буква, дальше строчные буквы, цифры, `_`{got}",
    ),
    "name_in_addresses": (
        "must be 1–32 characters: a small Latin letter, then small letters, digits, `_`, `-`{got}",
        "нужно 1–32 символа: строчная латинская буква, дальше строчные буквы, цифры, `_`, `-`{got}",
    ),
    "country_code": (
        "must be two capital Latin letters such as RU{got}",
        "нужны две заглавные латинские буквы, например RU{got}",
    ),
    "clock": ("must be a time of day such as 03:10{got}", "нужно время суток вида 03:10{got}"),
    "timezone": ("no such time zone{got}", "нет такого часового пояса{got}"),
    "public_url": (
        "must be an address such as https://bot.example.ru, without query or fragment",
        "нужен адрес вида https://bot.example.ru, без параметров и якоря",
    ),
    "host": (
        "must be an address such as 0.0.0.0, without http:// and port; the port stands in server.port{got}",
        "нужен адрес вида 0.0.0.0, без http:// и порта: порт — в server.port{got}",
    ),
    "database_port": (
        "the port behind the host must be a number; in a password write `:`, `/` and `@` as %3A, %2F and %40",
        "порт после имени сервера должен быть числом; в пароле знаки `:`, `/` и `@` пишут как %3A, %2F и %40",
    ),
    "database_url": (
        "must be an address such as sqlite+aiosqlite:///optfm.db",
        "нужен адрес вида sqlite+aiosqlite:///optfm.db",
    ),
    "sqlite_slashes": (
        "a SQLite file needs three slashes: sqlite:///optfm.db, and four if its path begins with one",
        "перед файлом SQLite нужны три косые черты: sqlite:///optfm.db, а для полного пути — четыре",
    ),
    "database_driver": ("unknown database driver `{driver}`", "неизвестный драйвер базы данных `{driver}`"),
    # hours, forms, managers
    "hours_days": (
        "must be days such as mon-fri or sat, sun",
        "нужны дни недели, например mon-fri, sat или пн-пт",
    ),
    "hours_span": (
        "must be hours such as 09:00-18:00, or a list of them{got}",
        "нужны часы вида 09:00-18:00 или их список{got}",
    ),
    "hours_overlap": ("hours of one day overlap{got}", "часы одного дня пересекаются{got}"),
    "hours_twice": ("the day `{day}` is named twice", "день `{day}` назван дважды"),
    "date": ("must be a date such as 2026-12-31{got}", "нужна дата вида 2026-12-31{got}"),
    "day_both": (
        "{day} is in days_off and in working_days",
        "{day} названо и в days_off, и в working_days",
    ),
    "country": ("no holidays of that country are known{got}", "праздники этой страны неизвестны{got}"),
    "texts": (
        "must be words, or words for each language: ru, en",
        "нужен текст или тексты по языкам: ru, en",
    ),
    "choice_without_options": ("a choice needs options", "для выбора нужны варианты options"),
    "options_without_choice": (
        "only the kind `choice` has options",
        "варианты options бывают только у вида `choice`",
    ),
    "option_twice": ("the option `{option}` is there twice", "вариант `{option}` назван дважды"),
    "step_twice": ("the step `{name}` is there twice", "шаг `{name}` назван дважды"),
    "form_name": (
        "a form name is 1–32 characters: a small letter, then small letters, digits, `_`",
        "имя формы: 1–32 символа, первая строчная латинская буква, дальше строчные буквы, цифры, `_`",
    ),
    "manager_twice": ("the manager `{name}` is there twice", "менеджер `{name}` назван дважды"),
    "nobody_to_assign": (
        "`assign` needs managers",
        "для `assign` нужны менеджеры в `managers`",
    ),
    "steps": ("a form has 1 to {limit} steps", "в форме от 1 до {limit} шагов"),
    # the helpdesk, the bot's words
    "one_helpdesk": (
        "there can be one helpdesk only, and these are several: {names}",
        "место, где отвечают люди, может быть только одно, а названы: {names}",
    ),
    "helpdesk_name": (
        "a helpdesk name is 1–32 characters: a small letter, then small letters, digits, `_`, `-`",
        "имя в helpdesk: 1–32 символа, первая строчная латинская буква, дальше строчные буквы, цифры, `_`, `-`",
    ),
    "desk_channel_kind": (
        "the channel `{name}` is of the kind {kind}, and this helpdesk lives in a channel of the kind {wanted}",
        "канал `{name}` — вида {kind}, а людям здесь отвечать можно только в канале вида {wanted}",
    ),
    "desk_channel": ("there is no channel `{name}`", "канала `{name}` нет"),
    "helpdesk_is_channel": (
        "a channel is called `{name}` too, and the two names must differ",
        "так же называется канал `{name}`, а имена должны быть разными",
    ),
    "message_shape": (
        "must be a text, or plural forms with a text each",
        "нужен текст или формы числа, у каждой свой текст",
    ),
    "text_language": (
        "the bot does not speak this language; it speaks: {names}",
        "на этом языке бот не говорит; языки: {names}",
    ),
    "text_key": ("the bot has no text of this name", "текста с таким именем у бота нет"),
    "text_empty": (
        "the text is empty; leave the key out to keep ours",
        "текст пустой; чтобы остался наш, уберите ключ",
    ),
    "text_missing": (
        "the text must have {names} in it: the bot puts a value there",
        "в тексте должно быть {names}: сюда бот подставляет значение",
    ),
    "text_unknown": (
        "the text has {names} in it, and the bot has nothing to put there",
        "в тексте есть {names}, а подставить сюда боту нечего",
    ),
    "text_forms": (
        "needs the plural forms {names}, each with a text",
        "нужны формы числа {names}, у каждой свой текст",
    ),
    "text_plain": ("has no plural forms: write one text", "здесь нет форм числа: напишите один текст"),
    # files and variables
    "no_file": ("the file does not exist", "файл не найден"),
    "unreadable": ("cannot be read: {reason}", "не читается: {reason}"),
    "not_utf8": ("the file is not UTF-8", "файл не в кодировке UTF-8"),
    "too_big": ("the file is larger than {limit} bytes", "файл больше {limit} байт"),
    "yaml": ("column {column}: not valid YAML: {reason}", "ошибка YAML"),
    "yaml_tag": ("the tag {tag} is not allowed", "тег {tag} не разрешён"),
    "yaml_key": ("a key must be plain text", "ключ должен быть простым текстом"),
    "yaml_heavy": ("nested or repeated too much", "слишком много вложений или повторов"),
    "not_mapping": ("the file must hold keys and values", "в файле должны быть ключи и значения"),
    "duplicate": ("is written twice, first on line {line}", "записан дважды, впервые в строке {line}"),
    "dotenv_line": ("the line is not NAME=VALUE", "строка не вида ИМЯ=ЗНАЧЕНИЕ"),
    "dotenv_quote": ("the quote is not closed", "кавычка не закрыта"),
    "bad_reference": ("`{reference}` is not a reference", "`{reference}` не является ссылкой"),
    "no_variable": ("the environment variable {name} is not set", "переменная окружения {name} не задана"),
    "secret_file": ("cannot read {path}: {reason}", "не читается {path}: {reason}"),
    "bad_value": ("cannot be read as a list or a section", "не читается как список или раздел"),
    # warnings
    "open_secret": (
        "everybody on this machine can read {path}",
        "{path} может прочитать любой на этой машине",
    ),
    "inline_secret": ("a secret is written in the file itself", "секрет записан прямо в файле"),
    "env_prefix": (
        "is not read: the prefix has two underscores",
        "не читается: в приставке два подчёркивания",
    ),
    "unused": (
        "is set, but {file} decides this and does not use the variable",
        "задана, но решает {file}, где эта переменная не используется",
    ),
    "nobody_knows": (
        "no manager has the category `{category}`, and none is there for any category",
        "категории `{category}` нет ни у кого из менеджеров, и нет менеджера для любых категорий",
    ),
    "not_yet": ("is not supported by this version yet", "пока не поддерживается этой версией"),
    "demo_faq": ("is not set: the built-in demo will answer", "не задан: отвечать будет встроенный пример"),
    # cross-field checks
    "no_channels": ("no channel is configured", "не настроен ни один канал"),
    "instance_name": (
        "a channel name is 1–32 characters: a small letter, then small letters, digits, `_`, `-`",
        "имя канала: 1–32 символа, первая строчная латинская буква, дальше строчные буквы, цифры, `_`, `-`",
    ),
    "reserved_name": (
        "the name `{name}` belongs to an address of the server",
        "имя `{name}` занято адресом сервера",
    ),
    "webhook_needs_url": (
        "webhook mode needs server.public_url with https",
        "для режима webhook нужен server.public_url с https",
    ),
    "same_bot": (
        "the same bot is already used by channel `{other}`",
        "этот же бот уже используется каналом `{other}`",
    ),
    "verify_needs_history": (
        "policy `verify` needs a channel that can read its history, and `{kind}` cannot",
        "для политики `verify` канал должен уметь читать историю, а `{kind}` не умеет",
    ),
    "semantic_missing": (
        "the semantic matcher needs a package that is not installed",
        "для семантического поиска нужен пакет, который не установлен",
    ),
    "no_directory": ("the directory {path} does not exist", "каталога {path} не существует"),
}

_HINTS: dict[str, tuple[str, str]] = {
    "": ("", ""),
    "example": ("for example: {example}", "например: {example}"),
    "texts_example": (
        'for example: texts: {{en: {{handoff.queued: "A colleague will answer here."}}}}',
        'например: texts: {{ru: {{handoff.queued: "Передал менеджеру, он ответит здесь."}}}}',
    ),
    "in_languages": (
        "for example: {{ru: Звонок, en: Call}}; the languages are ru and en",
        "например: {{ru: Звонок, en: Call}}; языки — ru и en",
    ),
    "in_brackets": ("write it in brackets: {name}: [a, b]", "запишите в скобках: {name}: [a, b]"),
    "quotes": ("put it in quotes", "возьмите значение в кавычки"),
    "one_value": ("one value, without brackets", "одно значение, без скобок и вложенных строк"),
    "closed_day": ("leave out a day that is closed", "выходной день не указывайте вовсе"),
    "category": (
        "correct it, or everybody in `notify.urls` is told",
        "исправьте её, иначе о заявке узнают все из `notify.urls`",
    ),
    "nearest": ("did you mean `{name}`?", "может быть, `{name}`?"),
    "not_yet": ("not supported by this version yet", "пока не поддерживается этой версией"),
    "known": ("known keys: {names}", "известные ключи: {names}"),
    "timezone": ("for example Europe/Moscow", "например, Europe/Moscow"),
    "country": ("for example RU", "например, RU"),
    "drivers": (
        "use sqlite+aiosqlite:///file.db or postgresql+asyncpg://user:password@host/name",
        "подойдёт sqlite+aiosqlite:///file.db или postgresql+asyncpg://user:password@host/name",
    ),
    "utf8": ("save it as UTF-8", "сохраните файл в UTF-8"),
    "yaml_tab": ("indent with spaces, not tabs", "делайте отступы пробелами, а не табуляцией"),
    "yaml_quote": (
        "put values with `: `, `#`, `@` or `%` in quotes",
        "значения с `: `, `#`, `@` или `%` берите в кавычки",
    ),
    "yaml_glued": (
        "put a space after the key and its colon, and after `-`",
        "после ключа с двоеточием и после `-` нужен пробел",
    ),
    "yaml_open": (
        "close the quote or the bracket, and quote texts with `: ` or `,` inside of brackets",
        "закройте кавычку или скобку, а тексты с `: ` или `,` внутри скобок берите в кавычки",
    ),
    "yaml_indent": (
        "this line is not indented as those beside it: keys of one section begin at the same place",
        "отступ не такой, как у соседних строк: ключи одного раздела начинаются на одном расстоянии от края",
    ),
    "create": ("`optfm-bot init` writes one", "создать: `optfm-bot init`"),
    "reference": (
        "write ${{NAME}}, ${{NAME:-default}} or ${{file:/path}}; `$${{` is a plain `${{`",
        "пишите ${{NAME}}, ${{NAME:-значение}} или ${{file:/путь}}; `$${{` даёт просто `${{`",
    ),
    "set_variable": (
        "export it, put it in .env, or write ${{{name}:-default}}",
        "экспортируйте её, запишите в .env или укажите ${{{name}:-значение}}",
    ),
    "chmod": ("chmod 600 {path}", "chmod 600 {path}"),
    "move_secret": (
        "use ${{NAME}} or ${{file:/run/secrets/name}} instead",
        "используйте ${{NAME}} или ${{file:/run/secrets/name}}",
    ),
    "use_variable": ("write ${{{name}}} there", "укажите там ${{{name}}}"),
    "rename_variable": ("rename it to {name}", "переименуйте в {name}"),
    "faq_path": ("set faq.path to your knowledge file or folder", "укажите в faq.path свой файл или каталог"),
    "add_channel": ("add one under `channels:`", "добавьте его в `channels:`"),
    "webhook_url": (
        "set server.public_url: https://… or mode: polling",
        "задайте server.public_url: https://… или mode: polling",
    ),
    "one_channel": (
        "one bot can be read by one channel only; get another token or remove one channel",
        "бота может читать только один канал; получите другой токен или уберите лишний канал",
    ),
    "other_policy": ("use at_most_once or at_least_once", "укажите at_most_once или at_least_once"),
    "install_semantic": ('pip install "optfm-bot[semantic]"', 'pip install "optfm-bot[semantic]"'),
    "mkdir": ("mkdir -p {path}", "mkdir -p {path}"),
    "rename_helpdesk": (
        "give the helpdesk a name of its own and say its kind: `desk: {{type: {kind}, …}}`",
        "дайте ему своё имя и назовите вид: `desk: {{type: {kind}, …}}`",
    ),
    "places": ("there are: {known}", "есть: {known}"),
    "texts_page": (
        "all names are in docs/reference/texts.md",
        "все имена — в docs/reference/texts.md",
    ),
}


def known_message(code: str) -> bool:
    """Whether there are words for this code."""
    return code in _MESSAGES


_REASONS: dict[str, str] = {
    "No such file or directory": "такого файла нет",
    "Permission denied": "нет прав на чтение",
    "Is a directory": "это каталог, а нужен файл",
    "not UTF-8": "не в кодировке UTF-8",
}
"""What the system says of files most often."""


def problem(code: str, *, where: str, key: str, hint: str = "", shown: str = "", **params: object) -> Problem:
    """Write a problem from the catalogue; `params` fill the places in the message and in the hint.

    `shown` is the wrong value, quoted in messages that have a place for it.
    """
    reason = str(params.get("reason", ""))
    russian = {**params, "reason": _REASONS.get(reason, reason)}
    message, message_ru = (
        text.format(**{**values, "got": f"{word} {shown!r}" if shown else ""})
        for text, values, word in zip(
            _MESSAGES[code], (params, russian), (", given", ", указано"), strict=True
        )
    )
    advice, advice_ru = (text.format(**params) for text in _HINTS[hint])
    return Problem(
        where=where, key=key, message=message, hint=advice, message_ru=message_ru, hint_ru=advice_ru
    )
