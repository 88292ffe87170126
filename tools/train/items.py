"""One question and its answer, drawn at random from the closed world. `draw(rng)` picks a category by weight.

An item's key names what is held out: the pair (way of asking, fact), or for sums the operands alone.
"""
import hashlib
from dataclasses import dataclass, field

import explanations as ex
import facts as f


@dataclass
class Item:
    category: str
    key: str
    question: str
    answer: str
    word: str = ""             # the answer in one word, where there is one
    thought: str = ""          # what the model thinks first when it is asked to think
    about: dict = field(default_factory=dict)  # what a follow-up question may refer to


def held_out(key):
    return int(hashlib.md5(key.encode()).hexdigest(), 16) % 25 == 0


def pick(rng, category, templates, fact, answer, word="", thought="", about=None, **values):
    """An item from one of several ways of asking for the same fact."""
    i = rng.randrange(len(templates))
    return Item(category, f"{category}/{templates[i]}/{fact}", templates[i].format(**values), answer, word, thought,
                about or {})


RELATIONS = {
    "capital": (["What is the capital of {x}?", "What's the capital of {x}?", "Which city is the capital of {x}?", "Capital of {x}?",
                 "Tell me the capital of {x}.", "Name the capital of {x}.", "Do you know the capital of {x}?",
                 "Can you tell me the capital of {x}?", "{x} has which capital?", "I want to know the capital of {x}."],
                "The capital of {x} is {y}.", 1),
    "continent": (["On which continent is {x}?", "Which continent is {x} in?", "Where is {x}?", "In which part of the world is {x}?",
                   "What continent does {x} belong to?", "On what continent does {x} lie?"], "{X} is in {y}.", 2),
    "language": (["Which language do people speak in {x}?", "What language is spoken in {x}?", "What do people speak in {x}?",
                  "What is the language of {x}?", "Which language is spoken in {x}?", "What language do they speak in {x}?"],
                 "People in {x} speak {y}.", 3),
    "currency": (["What is the currency of {x}?", "Which currency does {x} use?", "What money do people use in {x}?",
                  "How do people pay in {x}?", "What currency is used in {x}?", "What is the money of {x} called?"],
                 "The currency of {x} is the {y}.", 4),
}


def upper_first(text):
    return text[:1].upper() + text[1:]


def country(rng, relation=None, row=None, templates=None):
    relation = relation or rng.choice(["capital", "capital", "capital", "continent", "language", "currency"])
    row = row or rng.choice(f.COUNTRIES)
    ways, answer, column = RELATIONS[relation]
    name, value = row[0], row[column]
    return pick(rng, relation, templates or ways, name, answer.format(x=name, X=upper_first(name), y=value), value,
                f"The user asks for the {relation} of {name}. It is {value}.", {"relation": relation, "row": row}, x=name)


def country_of(rng):
    row = rng.choice(f.COUNTRIES)
    city = row[1]
    return pick(rng, "country_of", ["{c} is the capital of which country?", "Which country has the capital {c}?", "Where is {c}?",
                                    "In which country is {c}?", "What country is {c} the capital of?", "{c} is in which country?"],
                city, f"{city} is the capital of {row[0]}.", upper_first(row[0]), f"{city} is the capital of {row[0]}.",
                {"relation": "capital", "row": row}, c=city)


SIGNS = {"+": ("plus", lambda a, b: a + b), "-": ("minus", lambda a, b: a - b), "*": ("times", lambda a, b: a * b)}
SUM_WAYS = ["What is {a} {s} {b}?", "{a} {s} {b}", "{a} {s} {b} =", "{a}{s}{b}", "Calculate {a} {s} {b}.", "How much is {a} {s} {b}?",
            "{a} {s} {b}?", "What is {a} {w} {b}?", "How much is {a} {w} {b}?", "{a} {w} {b}", "What does {a} {s} {b} make?",
            "Can you calculate {a} {s} {b}?"]


def sum_thought(a, s, b):
    if s == "+" and (a > 9 or b > 9):
        ones, tens = a % 10 + b % 10, a // 10 * 10 + b // 10 * 10
        return f"The ones: {a % 10} + {b % 10} = {ones}. The tens: {a // 10 * 10} + {b // 10 * 10} = {tens}. {tens} + {ones} = {a + b}."
    return f"I calculate {a} {s} {b} = {SIGNS[s][1](a, b)}."


def arithmetic(rng, operands=None):
    s = rng.choice("++--*")
    if operands:
        a, s, b = operands
    elif s == "*":
        a, b = rng.randint(0, 10), rng.randint(0, 10)
    else:
        top = rng.choice([10, 20, 50, 99, 99])
        a, b = rng.randint(0, top), rng.randint(0, top)
        if s == "-" and a < b:
            a, b = b, a
    word, compute = SIGNS[s]
    y = compute(a, b)
    ways = list(SUM_WAYS)
    wa, wb = str(a), str(b)
    if max(a, b) <= 20 and rng.random() < 0.15:
        ways, wa, wb = [w for w in SUM_WAYS if "{w}" in w], f.NUMBERS[a], f.NUMBERS[b]
    if s == "+":
        ways += ["Add {a} and {b}.", "What is the sum of {a} and {b}?"]
    elif s == "*":
        ways += ["Multiply {a} by {b}.", "Multiply {a} and {b}."]
    else:
        ways += ["Subtract {b} from {a}.", "Take {b} from {a}."]
    way = rng.choice(ways)
    name = {"+": "add", "-": "subtract", "*": "multiply"}[s]
    key = f"{name}/{a},{b}" if s != "*" else f"{name}/{way}/{a},{b}"
    return Item(name, key, way.format(a=wa, s=s, b=wb, w=word), f"{a} {s} {b} = {y}.", str(y), sum_thought(a, s, b), {"number": y})


def word_problem(rng):
    name, item, a = rng.choice(f.NAMES), rng.choice(f.ITEMS), rng.randint(2, 20)
    if rng.random() < 0.5:
        b = rng.randint(1, 20)
        story, y, s = f"{name} has {a} {item} and gets {b} more.", a + b, "+"
    else:
        b = rng.randint(1, a - 1)
        story, y, s = f"{name} has {a} {item} and gives away {b}.", a - b, "-"
    return Item("word_problem", f"word_problem/{s}/{a},{b}", f"{story} How many {item} does {name} have now?",
                f"{name} has {y} {item}, because {a} {s} {b} = {y}.", str(y), f"{a} {s} {b} = {y}.", {"number": y})


def numbers(rng):
    kind = rng.randrange(7)
    a, b = rng.sample(range(100), 2)
    if kind == 0:
        return pick(rng, "numbers", ["Which is bigger, {a} or {b}?", "Which number is larger, {a} or {b}?", "What is more, {a} or {b}?"],
                    f"{a},{b}", f"{max(a, b)} is bigger than {min(a, b)}.", str(max(a, b)), f"I compare {a} and {b}.", a=a, b=b)
    if kind == 1:
        parity = "odd" if a % 2 else "even"
        return pick(rng, "numbers", ["Is {a} even or odd?", "Is {a} odd or even?"], str(a), f"{a} is {parity}.", parity,
                    f"The last digit of {a} is {a % 10}.", a=a)
    if kind == 2:
        return pick(rng, "numbers", ["What comes after {a}?", "Which number comes after {a}?", "What is the number after {a}?"], str(a),
                    f"{a + 1} comes after {a}.", str(a + 1), f"{a} + 1 = {a + 1}.", a=a)
    if kind == 3:
        c = rng.randint(0, 15)
        d = c + rng.randint(3, 9)
        seq = ", ".join(map(str, range(c, d + 1)))
        return pick(rng, "numbers", ["Count from {c} to {d}.", "Can you count from {c} to {d}?", "Count to {d}, start at {c}."],
                    f"{c},{d}", seq + ".", "", f"I start at {c} and stop at {d}.", c=c, d=d)
    if kind == 4:
        many = rng.sample(range(1, 30), rng.randint(3, 4))
        text = ", ".join(map(str, many))
        up = sorted(many)
        ways = ["Sort these numbers: {t}", "Put these numbers in order: {t}", "Sort {t}."]
        return pick(rng, "sort", ways, text, ", ".join(map(str, up)) + ".", "", f"The smallest number is {up[0]}.", t=text)
    if kind == 5:
        n = rng.randint(0, 20)
        return pick(rng, "numbers", ["Write {n} as a word.", "How do you write {n}?", "What is {n} in words?"], str(n), f"{f.NUMBERS[n]}",
                    f.NUMBERS[n], n=n)
    n = rng.randint(2, 40)
    return pick(rng, "numbers", ["What is half of {m}?", "Half of {m}?"] if a % 2 else ["What is double {n}?", "What is twice {n}?"],
                f"{n}/{a % 2}", f"Half of {2 * n} is {n}." if a % 2 else f"Twice {n} is {2 * n}.", str(n if a % 2 else 2 * n),
                f"2 * {n} = {2 * n}.", n=n, m=2 * n)


def an(word):
    return ("an " if word[0] in "aeiou" else "a ") + word


def animal(rng):
    kind = rng.randrange(5)
    name, sound, legs, family, young, home = rng.choice(f.ANIMALS)
    x = an(name)
    if kind == 0 and sound:
        return pick(rng, "animals", ["What sound does {x} make?", "What does {x} say?", "Which sound does {x} make?", "How does {x} sound?",
                                     "What noise does {x} make?"], name, f"{upper_first(x)} {sound}.", sound, f"{upper_first(x)} {sound}.", x=x)
    if kind == 1:
        n = f.NUMBERS[int(legs)] if legs != "0" else "no"
        return pick(rng, "animals", ["How many legs does {x} have?", "How many legs has {x}?", "What number of legs does {x} have?"], name,
                    f"{upper_first(x)} has {n} legs.", n, f"{upper_first(x)} is {an(family)}.", x=x)
    if kind == 2 and young:
        return pick(rng, "animals", ["What is a baby {x} called?", "What do you call a young {x}?", "What is the name of a baby {x}?"], name,
                    f"A baby {name} is called {an(young)}.", young, f"I know the young of {x}.", x=name)
    if kind == 3:
        return pick(rng, "animals", ["Where does {x} live?", "Where do you find {x}?", "Where is the home of {x}?"], name,
                    f"{upper_first(x)} lives in {home}." if home not in ("a house", "a farm") else
                    f"{upper_first(x)} lives {'on' if home == 'a farm' else 'in'} {home}.", home, f"I know where {x} lives.", x=x)
    return pick(rng, "animals", ["What kind of animal is {x}?", "What is {x}?", "Is {x} a mammal, a bird or something else?"], name,
                f"{upper_first(x)} is {an(family)}.", family, f"I know what {x} is.", x=x)


def colour(rng):
    if rng.random() < 0.2:
        a, b, c = rng.choice(f.MIXES)
        return pick(rng, "colours", ["What do {a} and {b} make?", "Mix {a} and {b}.", "Which colour do you get from {a} and {b}?",
                                     "What colour is {a} mixed with {b}?"], a + b, f"{upper_first(a)} and {b} make {c}.", c,
                    f"I mix {a} and {b}.", a=a, b=b)
    thing, c = rng.choice(f.COLOURS)
    return pick(rng, "colours", ["What colour is {x}?", "What color is {x}?", "Which colour does {x} have?", "Tell me the colour of {x}.",
                                 "What is the colour of {x}?", "Which color is {x}?"], thing, f"{upper_first(thing)} is {c}.", c,
                f"{upper_first(thing)} is {c}.", x=thing)


def calendar(rng):
    kind = rng.randrange(6)
    if kind < 2:
        i = rng.randrange(7)
        j = (i + 1) % 7 if kind == 0 else (i - 1) % 7
        side = "after" if kind == 0 else "before"
        return pick(rng, "calendar", ["What day comes {s} {x}?", "Which day is {s} {x}?", "What is the day {s} {x}?",
                                      f"Today is {{x}}. What day {'is tomorrow' if kind == 0 else 'was yesterday'}?"],
                    f.DAYS[i] + side, f"{f.DAYS[j]} comes {side} {f.DAYS[i]}.", f.DAYS[j], f"I go through the week: {f.DAYS[i]}.",
                    s=side, x=f.DAYS[i])
    i = rng.randrange(12)
    month = f.MONTHS[i]
    if kind == 2:
        side = rng.choice(["after", "before"])
        other = f.MONTHS[(i + (1 if side == "after" else -1)) % 12]
        return pick(rng, "calendar", ["What month comes {s} {x}?", "Which month is {s} {x}?", "What is the month {s} {x}?"], month + side,
                    f"{other} comes {side} {month}.", other, f"I go through the year: {month}.", s=side, x=month)
    if kind == 3:
        return pick(rng, "calendar", ["How many days does {x} have?", "How many days are in {x}?", "How long is {x}?"], month,
                    f"{month} has {f.MONTH_DAYS[i]} days.", str(f.MONTH_DAYS[i]), f"I know the length of {month}.", x=month)
    if kind == 4:
        return pick(rng, "calendar", ["In which season is {x}?", "Which season is {x} in?", "Is {x} in summer or in winter?",
                                      "What season is it in {x}?"], month, f"{month} is in {f.SEASONS[i]}.", f.SEASONS[i], f"{month} is month {i + 1}.", x=month)
    return pick(rng, "calendar", ["Which number is the month {x}?", "What number is {x} in the year?", "Which month of the year is {x}?"], month,
                f"{month} is month {i + 1}.", str(i + 1), f"I count the months to {month}.", x=month)


def unit(rng):
    small, big, n = rng.choice(f.UNITS)
    return pick(rng, "units", ["How many {s} are in {b}?", "How many {s} does {b} have?", "How many {s} are there in {b}?", "{b} has how many {s}?",
                               "Tell me the number of {s} in {b}."], small + big, f"{upper_first(big)} has {n} {small}.", str(n),
                f"I know the number of {small} in {big}.", s=small, b=big)


def word(rng):
    kind = rng.randrange(4)
    if kind == 0:
        a, b = rng.choice(f.OPPOSITES)
        if rng.random() < 0.5:
            a, b = b, a
        if a == "light" or b == "light":
            a, b = "hot", "cold"
        return pick(rng, "words", ["What is the opposite of {a}?", "Opposite of {a}?", "Tell me the opposite of {a}.", "What is not {a}?",
                                   "Which word is the opposite of {a}?"], a, f"The opposite of {a} is {b}.", b, f"I look for the opposite of {a}.", a=a)
    if kind == 1:
        a, b = rng.choice(f.PLURALS)
        return pick(rng, "words", ["What is the plural of {a}?", "Plural of {a}?", "One {a}, two what?", "How do you write more than one {a}?"], a,
                    f"The plural of {a} is {b}.", b, f"One {a}, two {b}.", a=a)
    if kind == 2:
        a, b = rng.choice(f.PASTS)
        return pick(rng, "words", ["What is the past tense of {a}?", "Past tense of {a}?", "Today I {a}. What about yesterday?",
                                   "What is the past of {a}?"], a, f"The past tense of {a} is {b}.", b, f"Today I {a}, yesterday I {b}.", a=a)
    row = rng.choice(f.WORDS)
    c = rng.randrange(1, 4)
    language = ["English", "French", "German", "Spanish"][c]
    return pick(rng, "translate", ["What is {a} in {l}?", "Translate {a} to {l}.", "How do you say {a} in {l}?", "What does {a} mean in {l}?",
                                   "{a} in {l}?"], row[0] + language, f"{upper_first(row[0])} in {language} is {row[c]}.", row[c],
                f"I look for {row[0]} in {language}.", a=row[0], l=language)


def spelling(rng):
    w = rng.choice(f.SPELLING)
    dashed = "-".join(w)
    kind = rng.randrange(5)
    if kind == 0:
        return pick(rng, "spelling", ["Spell {w}.", "How do you spell {w}?", "Can you spell {w}?", "Spell the word {w}."], w, dashed + ".", dashed,
                    f"The word is {w}.", w=w)
    if kind == 1:
        return pick(rng, "letters", ["How many letters are in {w}?", "How many letters does {w} have?", "Count the letters of {w}."], w,
                    f"{dashed}: {len(w)} letters.", str(len(w)), f"The letters are {dashed}.", w=w)
    if kind == 2:
        return pick(rng, "letters", ["What is the first letter of {w}?", "Which letter does {w} start with?", "What does {w} begin with?"], w,
                    f"The first letter of {w} is {w[0]}.", w[0], f"The letters are {dashed}.", w=w)
    if kind == 3:
        return pick(rng, "letters", ["What is the last letter of {w}?", "Which letter does {w} end with?", "What does {w} end with?"], w,
                    f"The last letter of {w} is {w[-1]}.", w[-1], f"The letters are {dashed}.", w=w)
    back = "-".join(reversed(w))
    return pick(rng, "backwards", ["Spell {w} backwards.", "What is {w} backwards?", "Write {w} backwards."], w, back + ".", back,
                f"The letters are {dashed}.", w=w)


def asked(rng, category, table):
    """One of the fixed answers; the first way of asking is always trained on."""
    questions, answer = rng.choice(table)
    q = rng.choice(questions)
    key = f"{category}/{q}" if q != questions[0] and len(questions) > 2 else f"{category}/first"
    return Item(category, key, q, answer, "", "I know a short answer to that.")


def explanation(rng):
    return asked(rng, "explain", ex.EXPLANATIONS)


def manners(rng):
    if rng.random() < 0.05:
        name = rng.choice(f.NAMES)
        return pick(rng, "manners", ["Say hello to {n}.", "Greet {n}.", "Say hi to my friend {n}."], name, f"Hello, {name}!", "", f"I greet {name}.", n=name)
    return asked(rng, "manners", ex.MANNERS)


def unknown(rng):
    way = rng.choice(ex.UNKNOWN)
    if rng.random() < 0.7:
        parts = "ba ko ri zu mel tan vor gri lo pex dun sha ny fle tor wi qua stri mo del".split()
        x = "".join(rng.choice(parts) for _ in range(rng.randint(2, 3)))
        x = upper_first(x) if rng.random() < 0.7 else x
    else:
        x = rng.choice(ex.UNFAMILIAR)
    return Item("unknown", f"unknown/{way}/{x}", way.format(x=x), ex.UNKNOWN_ANSWER, "", "I have not learned this.")


def story(rng):
    a = rng.choice([row[0] for row in f.ANIMALS if row[3] == "mammal" and row[0] != "whale"])
    v = dict(a=a, n=rng.choice(f.NAMES), p=rng.choice(ex.STORY_PLACES), t=rng.choice(ex.STORY_THINGS).replace("_", " "),
             s=rng.choice(ex.STORY_SIZES))
    text = " ".join(rng.choice(part) for part in (ex.STORY_OPENINGS, ex.STORY_MIDDLES, ex.STORY_ENDINGS)).format(**v)
    plain = rng.random() < 0.3
    ways = ["Tell me a story.", "Tell me a short story.", "Write a story.", "Do you know a story?"] if plain else [
        "Tell me a story about {a}.", "Write a short story about {a}.", "I want a story about {a}.", "Can you tell me a story about {a}?"]
    return pick(rng, "story", ways, text, text, "", f"A story about {an(a)}.", a=an(a))


def extract(rng):
    name, item, a, b = rng.choice(f.NAMES), rng.choice(f.ITEMS), rng.randint(1, 99), rng.randint(1, 99)
    ways = ["Give me this as JSON: {t}", "Extract JSON: {t}", "{t} Write this as JSON.", "Turn this into JSON: {t}"]
    kind = rng.randrange(3)
    if kind == 0:
        text = rng.choice([f"{name} bought {a} {item} for {b} euros.", f"{name} paid {b} euros for {a} {item}."])
        out = f'{{"name": "{name}", "item": "{item}", "count": {a}, "price": {b}}}'
    elif kind == 1:
        text = rng.choice([f"{name} is {a} years old.", f"My name is {name} and I am {a} years old."])
        out = f'{{"name": "{name}", "age": {a}}}'
    else:
        city = rng.choice(f.CITIES)
        text = rng.choice([f"{name} lives in {city}.", f"{name} is from {city}."])
        out = f'{{"name": "{name}", "city": "{city}"}}'
    return pick(rng, "json", ways, text, out, "", "I write the fields one by one.", t=text)


def feeling(rng):
    good = rng.random() < 0.5
    text = rng.choice(["I {g} this {t}.", "The {t} was {h}.", "What {a} {t}!", "This is {a} {t}."]).format(
        g=rng.choice(["love", "like", "enjoy"] if good else ["hate", "dislike", "cannot stand"]),
        h=rng.choice(["great", "wonderful", "lovely", "good"] if good else ["terrible", "awful", "boring", "bad"]),
        a=rng.choice(["a great", "a wonderful", "a lovely", "a good"] if good else ["a terrible", "an awful", "a boring", "a bad"]),
        t=rng.choice("film book meal song day hotel game story".split()))
    ways = ["Is this positive or negative: {t}", "Positive or negative? {t}", "{t} Is that positive or negative?"]
    y = "positive" if good else "negative"
    return pick(rng, "feeling", ways, text, upper_first(y) + ".", y, f"The text sounds {y}.", t=text)


def copy(rng):
    n = rng.randint(1, 5)
    words = " ".join(rng.choice(f.SPELLING + f.NAMES) for _ in range(n))
    return pick(rng, "copy", ["Repeat after me: {t}", "Repeat: {t}", "Say: {t}", "Say this: {t}", "Write: {t}"], words, words, "", "I repeat the words.", t=words)


CATEGORIES = [(country, 14), (country_of, 4), (arithmetic, 20), (word_problem, 4), (numbers, 8), (animal, 7), (colour, 4), (calendar, 6),
              (unit, 4), (word, 8), (spelling, 9), (explanation, 13), (manners, 10), (unknown, 6), (story, 4), (extract, 4),
              (feeling, 2), (copy, 4)]
MAKERS, WEIGHTS = zip(*CATEGORIES)


def draw(rng, train=True):
    while True:
        item = rng.choices(MAKERS, WEIGHTS)[0](rng)
        if held_out(item.key) != train:
            return item
