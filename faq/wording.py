"""Words that say how a person asks, not what about: Russian and English lists, folded (ё as е)."""

from __future__ import annotations

_GREETINGS = """
здравствуйте, здраствуйте, здрасте, здравствуй, приветствую, привет, приветик, салют, хай, добрый день,
добрый вечер, доброе утро, доброй ночи, доброго дня, доброго вечера, доброго утра, доброго времени суток,
всем привет, день добрый, вечер добрый, доброго здоровья, алло, ку, hello, hi, hey, hi there, hello
there, good morning, good afternoon, good evening, good day, dear support, dear team
"""
_POLITENESS = """
пожалуйста, пожалуста, пжлст, пжл, плиз, плз, будьте добры, будьте любезны, если можно, если не сложно,
если не трудно, не могли бы вы, могли бы вы, можете ли вы, извините, простите, прошу прощения, прошу,
спасибо большое, большое спасибо, спасибо заранее, заранее спасибо, заранее благодарю, спасибо, спс,
благодарю, с уважением, всего доброго, please, pls, plz, thanks, thank you, thanks in advance, thank you
in advance, thank you very much, excuse me, sorry to bother you, could you please, would you please, kind
regards, best regards
"""
_OPENINGS = """
подскажите, подскажи, скажите, скажи, расскажите, расскажи, объясните, объясни, поясните, хотел бы
узнать, хотела бы узнать, хотел узнать, хотела узнать, хочу узнать, хочу спросить, можно узнать, можете
подсказать, можете сказать, не подскажете, не подскажите, подскажете, хотел спросить, хотела спросить,
такой вопрос, есть вопрос, у меня вопрос, вопрос такой, could you tell me, can you tell me, can you help
me, could you help me, please tell me, tell me, i would like to know, i d like to know, i want to know, i
was wondering, quick question, i have a question
"""
_RUSSIAN_STOP = """
а без бы был была были было быть в вам вами вас ваш ваша ваше вашего вашей ваши ваших во вот все всего
всех вы да для до его ее если есть еще же за и из или им их к ко ли лишь меня мне мной мы на над нам нами
нас наш наша наше наши не него нее ней нет ни ними них но ну о об однако он она они оно от ото очень по
под при про с сам сама сами само со так также такая такие такое такой там те тебе тебя тем то тобой того
тоже той только том тот ту ты у уж уже хоть чего чем что чтоб чтобы эта эти это этого этой этом этому
этот эту я вообще просто прям прямо вроде может могу можем можете можно мочь надо нужно нужен нужна нужны
хочу хочет хотим хотел хотела хотелось буду будет будут будем стал стала тут здесь сейчас теперь ведь
блин типа короче мой моя мое мои моего моей моих моему мою свой своя свое свои своего своей своих свою
себя себе собой который которая которое которые которого которой которых че чо шо пока тогда потом раз
либо ибо хотя помогите помоги помощь происходит
"""
_ENGLISH_STOP = """
a an the and or but if of to in on at by for with from as is are was were be been being am do does did
done have has had having i me my mine we us our ours you your yours he him his she her it its they them
their this that these those there here so just can could will would shall should may might must not no
nor yes any some about into than then too very s t d ll m re ve get got want need help
"""
_RUSSIAN_ASKING = """
делать сделать скок скоко
как где куда откуда когда почему зачем отчего кто кого кому кем чей какой какая какое какие какого какую
каких каким каком сколько скока насколько долго стоит стоят стоить почем
"""
_ENGLISH_ASKING = """
how where when why who whom whose what which long much many often
"""


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split(","))


COURTESIES: tuple[str, ...] = (*_phrases(_GREETINGS), *_phrases(_POLITENESS), *_phrases(_OPENINGS))
"""Greetings, politeness and turns of speech that may be cut from a message without changing what it asks."""

STOP_WORDS: frozenset[str] = frozenset(f"{_RUSSIAN_STOP} {_ENGLISH_STOP}".split())
"""Words without a subject of their own; they neither support an answer nor stand against it."""

ASKING_WORDS: frozenset[str] = frozenset(f"{_RUSSIAN_ASKING} {_ENGLISH_ASKING}".split())
"""Words that tell one kind of question from another («когда» or «сколько»); they weigh little."""

_PREPOSITIONS = """
в во на из до с со по к ко через за для от без при под над у о об про in to for on by with from at without
"""
PREPOSITIONS: frozenset[str] = frozenset(_PREPOSITIONS.split())
"""What stands before a circumstance: a place, a time, a means."""
