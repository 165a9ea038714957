"""What is wrong with a price list and its rows, in plain words.

The lists' reader tells it in English sentences, which are known here by their words. A sentence
that nobody has worded is shown as it is. The texts are keys of the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

Say: TypeAlias = Callable[[str], str]
"""Says a text of the catalogue in the visitor's language."""

_CELL: dict[str, str] = {
    "price": "Цена",
    "name": "Название",
    "SKU": "SKU",
    "brand": "Бренд",
    "category": "Категория",
    "stock": "Остаток",
    "preorder": "Предзаказ",
}
"""What a cell holds, as the reader calls it."""

_ROWS: tuple[tuple[str, str], ...] = (
    (r"it has no name", "нет названия"),
    (r"it has no price", "нет цены"),
    (r"it has no SKU", "нет кода SKU"),
    (r"its SKU is that of an earlier offer", "такой SKU уже был выше"),
    (
        r"its SKU is a number longer than a sheet can hold.*",
        "SKU слишком длинный для числа: сделайте столбец текстовым",
    ),
    (
        r"its SKU was shortened by the sheet: (.*); make the column text",
        "таблица сократила SKU ({0}): сделайте столбец текстовым",
    ),
    (r"its SKU is longer than (\d+) characters", "SKU длиннее {0} знаков"),
    (r"its price is no number: (.*)", "цена не число: {0}"),
    (r"its stock is neither a number nor yes or no: (.*)", "остаток не число и не «да/нет»: {0}"),
    (r"its preorder is no number of days: (.*)", "предзаказ не число дней: {0}"),
    (r"the list has no price column: .*", "в списке нет столбца с ценой"),
    (
        r"the list has no column PP1 or the like: .*",
        "нет столбца PP1: товары считаются отсутствующими",
    ),
    (r"the list has this column twice: .*", "столбец повторяется: читается первый"),
)

_OF_CELL: tuple[tuple[str, str], ...] = (
    (r"an error of the sheet: (.*)", "ошибка таблицы {0}"),
    (
        r"a formula that was not calculated.*",
        "формула не посчитана: откройте файл и сохраните снова",
    ),
    (r"neither text nor a number", "не текст и не число"),
    (r"a date.*", "вместо значения дата"),
)

_LISTS: tuple[tuple[str, str], ...] = (
    (r"is empty$", "Файл пустой."),
    (
        r"has no columns SKU and model in its first rows; found: (.*)",
        "В первых строках нет столбцов SKU и model. Найдено: {0}",
    ),
    (
        r"is (?:neither XML, XLSX nor CSV|JSON: it is neither XML, XLSX nor CSV)",
        "Это не XML, не XLSX и не CSV.",
    ),
    (r"is a PDF, not a price list", "Это PDF. Сохраните прайс-лист как XML, XLSX или CSV."),
    (
        r"is a web page, not a price list",
        (
            "По ссылке открывается веб-страница, а не файл. Нужна ссылка на сам файл, открытая "
            "всем, у кого она есть."
        ),
    ),
    (r"is an old Excel file", "Это старый Excel (.xls). Сохраните его как .xlsx."),
    (r"is a broken XLSX file", "Файл XLSX повреждён. Откройте его в Excel и сохраните снова."),
    (
        r"is a ZIP file, but no XLSX|is packed: unpack it first|comes packed",
        "Это архив. Нужен сам файл: XML, XLSX или CSV.",
    ),
    (r"is locked with a password", "Файл закрыт паролем. Сохраните его без пароля."),
    (
        r"is in an encoding that cannot be read",
        "Кодировка файла не читается. Сохраните его в UTF-8.",
    ),
    (r"is larger than (\d+) MiB", "Файл больше {0} МБ."),
    (r"is broken at line (\d+), column (\d+)", "Файл повреждён в строке {0}, позиция {1}."),
    (r"is broken in row (\d+)", "Файл повреждён в строке {0}."),
    (r"holds no <offers>", "В файле нет раздела <offers>."),
    (
        r"begins with <(\S*)>, not with",
        "Это XML другого вида: начинается с <{0}>, а нужен <kaspi_catalog>.",
    ),
    (
        r"declares a document type or entities",
        "В файле есть раздел DOCTYPE, это запрещено. Выгрузите список без него.",
    ),
    (
        r"is nested deeper|a tag of|has a line longer|a row that is too long|unpacks to|of text$",
        "Файл слишком велик или устроен необычно. Выгрузите список заново.",
    ),
    (r"holds more than ([\d,]+) offers", "В файле больше {0} товаров."),
    (
        r"holds too many cells",
        "В таблице слишком много ячеек. Удалите пустые, но отформатированные.",
    ),
    (r"has no sheet$", "В файле нет ни одного листа."),
    (
        r"cannot be opened: (?:No such file.*|it is no file|this is no name of a file)",
        "Такого файла нет. Проверьте путь в настройках.",
    ),
    (r"cannot be opened: (.*)", "Файл не открывается: {0}."),
    (
        r"cannot be had \(HTTP (401|403|404|410)\)",
        (
            "По ссылке файла нет или он закрыт (HTTP {0}). Проверьте адрес и откройте доступ "
            "всем, у кого есть ссылка."
        ),
    ),
    (
        r"cannot be had \(HTTP (\d+)\)",
        "Сервер, где лежит файл, ответил ошибкой (HTTP {0}). Попробуем снова сами.",
    ),
    (r"cannot be reached", "Сервер, где лежит файл, не отвечает. Попробуем снова сами."),
    (r"is being written", "Файл сейчас записывается. Попробуем снова сами."),
    (
        r"has an address that|is behind too many redirects",
        "Адрес файла неверный. Проверьте его в настройках.",
    ),
)

_WHAT = re.compile(r"its ([A-Za-z]+) is (.*)", re.DOTALL)


def reason_of(told: str, say: Say) -> str:
    """The sentence ``told`` as ``say`` says it."""
    return (
        _worded(_ROWS, told, say, whole=True)
        or _of_cell(told, say)
        or _worded(_LISTS, told, say, whole=False)
        or told
    )


def _worded(known: tuple[tuple[str, str], ...], told: str, say: Say, *, whole: bool) -> str | None:
    for pattern, text in known:
        found = re.fullmatch(pattern, told, re.DOTALL) if whole else re.search(pattern, told)
        if found is not None:
            return say(text).format(*found.groups())
    return None


def _of_cell(told: str, say: Say) -> str | None:
    """«its price is an error of the sheet: #N/A» and the like."""
    found = _WHAT.fullmatch(told)
    if found is None or found[1] not in _CELL:
        return None
    wrong = _worded(_OF_CELL, found[2], say, whole=True)
    return None if wrong is None else f"{say(_CELL[found[1]])}: {wrong}"
