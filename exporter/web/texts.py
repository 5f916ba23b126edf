"""All that the status page says of its own, in three languages side by side: a sentence that one lacks is a type error.

`{…}` is filled in by `exporter.web.voice`. Kazakh has one form after any number; suffixes on numbers, which depend on
how the number is spoken, are avoided. What comes from elsewhere, as names and an error's sentence, is not in here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Language(StrEnum):
    """A language of the page, as HTML and HTTP call it; the default first."""

    ENGLISH = "en"
    RUSSIAN = "ru"
    KAZAKH = "kk"


OWN_NAMES: Final = {Language.ENGLISH: "English", Language.RUSSIAN: "Русский", Language.KAZAKH: "Қазақша"}
"""Each in itself, for those who read no other."""


@dataclass(frozen=True, slots=True)
class Two:
    """English forms after the number `by`."""

    by: str
    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Three:
    """Russian forms after the number `by`: as after 1, after 2, and after 5."""

    by: str
    one: str
    few: str
    many: str


@dataclass(frozen=True, slots=True)
class Translation:
    """What stands in the other languages for an English sentence that is not the page's own."""

    ru: str
    kk: str


@dataclass(frozen=True, slots=True)
class Text:
    """The same in all languages."""

    en: str | Two
    ru: str | Three
    kk: str


# The verdict

NO_TERMINAL = Text("No terminal is configured", "Не настроен ни один терминал", "Бірде-бір терминал бапталмаған")
FIRST_POLL = Text("Waiting for the first poll", "Ожидается первый опрос", "Алғашқы сұрау күтілуде")
ONE_IN_TROUBLE = Text("The terminal is in trouble", "Сбой чтения данных терминала", "Терминалда ақау бар")
IN_TROUBLE = Text(
    Two("trouble", "{trouble} of {total} terminals is in trouble", "{trouble} of {total} terminals are in trouble"),
    Three(
        "total",
        "Сбой чтения данных {trouble} из {total} терминала",
        "Сбой чтения данных {trouble} из {total} терминалов",
        "Сбой чтения данных {trouble} из {total} терминалов",
    ),
    "{total} терминалдың ішінен {trouble} терминалда ақау бар",
)
ONE_READ = Text("The terminal is read", "Данные терминала читаются", "Терминал деректері оқылып тұр")
ALL_READ = Text(
    "All {total} terminals are read",
    Three(
        "total",
        "Данные всех {total} терминала читаются",
        "Данные всех {total} терминалов читаются",
        "Данные всех {total} терминалов читаются",
    ),
    "Барлық {total} терминалдың деректері оқылып тұр",
)
SOME_READ = Text(
    Two("read", "{read} of {total} terminals is read", "{read} of {total} terminals are read"),
    Three(
        "total",
        "Данные {read} из {total} терминала читаются",
        "Данные {read} из {total} терминалов читаются",
        "Данные {read} из {total} терминалов читаются",
    ),
    "{total} терминалдың ішінен {read} терминалдың деректері оқылып тұр",
)
NOT_READ_YET = Text(
    "{n} not read yet",
    Three("n", "{n} терминал ещё не прочитан", "{n} терминала ещё не прочитаны", "{n} терминалов ещё не прочитаны"),
    "{n} терминал әлі оқылмаған",
)
NOT_COMPLETE_YET = Text(
    "{n} not complete yet",
    Three(
        "n",
        "{n} терминал прочитан не полностью",
        "{n} терминала прочитаны не полностью",
        "{n} терминалов прочитаны не полностью",
    ),
    "{n} терминал әлі толық оқылмаған",
)

# States, and what they mean

TROUBLE = Text("In trouble", "Сбой", "Ақау")
POLL_FAILED = Text("The last poll failed.", "Последний опрос не удался.", "Соңғы сұрау сәтсіз аяқталды.")
WAITING = Text("Waiting", "Ожидание", "Күтуде")
NOT_POLLED = Text("Not polled yet.", "Ещё не опрошен.", "Әлі сұралған жоқ.")
NOT_READ = Text("Not read yet.", "Ещё не прочитан.", "Әлі оқылған жоқ.")
CATCHING_UP = Text("Catching up", "Дочитывается", "Толықтырылуда")
GAP = Text(
    "A gap is being read; counters are behind.",
    "Читается пропущенное; счётчики пока отстают.",
    "Үзіліс кезіндегі деректер оқылып жатыр; есептегіштер әзірге артта қалып тұр.",
)
INCOMPLETE = Text("Incomplete", "Неполно", "Толық емес")
MORE_AT_THE_BANK = Text(
    "The bank counts more operations than it gave.",
    "По счёту банка операций больше, чем он отдал.",
    "Банктің есебі бойынша операциялар оның бергенінен көп.",
)
LATE = Text("Late", "Опаздывает", "Кешігуде")
OLDER_THAN_INTERVALS = Text(
    "The last poll is older than three intervals.",
    "Последний опрос старше трёх интервалов.",
    "Соңғы сұраудан бері үш аралықтан көп уақыт өтті.",
)
ATTENTION = Text("Attention", "Внимание", "Назар аударыңыз")
FINE = Text("Fine", "В порядке", "Қалыпты")
REASON = Text("Reason:", "Причина:", "Себебі:")

TROUBLES: Final[Mapping[str, Translation]] = {
    "connect": Translation("Не удалось соединиться с банком.", "Банкпен байланыс орнатылмады."),
    "reset": Translation("Соединение с банком оборвалось.", "Банкпен байланыс үзілді."),
    "timeout": Translation("Банк не ответил вовремя.", "Банк уақытында жауап бермеді."),
    "server_error": Translation("На сервере банка ошибка.", "Банк серверінде қате болды."),
    "rate_limited": Translation("Банк просит присылать запросы реже.", "Банк сұрауларды сиретуді сұрайды."),
    "not_json": Translation("Ответ банка не в формате JSON.", "Банктің жауабы JSON пішімінде емес."),
    "malformed": Translation("Ответ банка имеет неожиданный вид.", "Банк жауабының құрылымы күтілгендей емес."),
    "too_large": Translation("Ответ банка слишком велик.", "Банктің жауабы тым үлкен."),
    "refused": Translation("Банк отклонил запрос.", "Банк сұрауды қабылдамады."),
    "unauthorized": Translation("Банк не принял токен.", "Банк токенді қабылдамады."),
    "login_refused": Translation("Банк отказал во входе.", "Банк жүйеге кіруге рұқсат бермеді."),
    "state": Translation("Не удалось сохранить состояние.", "Күйді сақтау мүмкін болмады."),
    "defect": Translation("Ошибка самого экспортёра, см. журнал.", "Экспортердің өз қатесі, журналды қараңыз."),
}
"""Kind of trouble (the `result` of metrics) → what it is."""

# Above the table

CONFIGURATION_REFUSED = Text(
    "The configuration was refused {age} ago, and the one before stays in use: {reason}",
    "Конфигурация отклонена {age} назад, действует прежняя: «{reason}»",
    "Конфигурация {age} бұрын қабылданбады, бұрынғысы қолданыста: «{reason}»",
)
MORE_IN_THE_LOG = Text("(and {n} more, in the log)", "(и ещё {n}, см. журнал)", "(тағы {n}, журналда)")

# The table

TERMINAL = Text("Terminal", "Терминал", "Терминал")
STATE = Text("State", "Состояние", "Күйі")
LAST_POLL = Text("Last good poll", "Последний удачный опрос", "Соңғы сәтті сұрау")
OPERATIONS = Text(
    "Operations, 15\N{NO-BREAK SPACE}min", "Операции, 15\N{NO-BREAK SPACE}мин", "Операциялар, 15\N{NO-BREAK SPACE}мин"
)
FAILURE_RATIO = Text(
    "Failure ratio, 15\N{NO-BREAK SPACE}min",
    "Доля отказов, 15\N{NO-BREAK SPACE}мин",
    "Сәтсіздер үлесі, 15\N{NO-BREAK SPACE}мин",
)
OLDEST_PENDING = Text("Oldest pending", "Дольше всех в обработке", "Ең ұзақ өңделіп жатқаны")
SINCE = Text("Since {time}, for {age}.", "С {time}, уже {age}.", "Басталғаны: {time}, {age} бұрын.")
AGO = Text("{age} ago", "{age} назад", "{age} бұрын")
NEVER = Text("never", "ещё не было", "әлі болған жоқ")
NOT_YET = Text("not yet", "ещё нет", "әлі жоқ")
TOO_OLD = Text("too old", "устарело", "ескірген")
NONE = Text("none", "нет", "жоқ")
SUCCEEDED = Text("succeeded", Three("n", "успешная", "успешные", "успешных"), "сәтті")
FAILED = Text("failed", Three("n", "отказ", "отказа", "отказов"), "сәтсіз")
PENDING = Text("pending", "в обработке", "өңделуде")
UNKNOWN = Text("unknown", Three("n", "неизвестная", "неизвестные", "неизвестных"), "белгісіз")
OF_ENDED = Text("of {n}", "из {n}", "{n} операциядан")
NONE_ENDED = Text("none ended", "завершённых нет", "аяқталғаны жоқ")

# Around it

LANGUAGE = Text("Language", "Язык", "Тіл")
METRICS = Text("Metrics", "Метрики", "Метрикалар")
HEALTH = Text("Health", "Работоспособность", "Жұмыс күйі")
READINESS = Text("Readiness", "Готовность", "Дайындығы")
AS_OF = Text("as of {time}, {age} ago", "по состоянию на {time}, {age} назад", "{time} жағдайы бойынша, {age} бұрын")
RELOADS = Text("reloads every {n} s", "обновляется каждые {n} с", "әр {n} с сайын жаңарады")
