"""Whole chats (messages for the chat template) and plain documents, drawn at random from `items`."""
from dataclasses import dataclass, field

import explanations as ex
import facts as f
import items
from items import SIGNS, draw, upper_first


@dataclass
class Chat:
    category: str
    messages: list
    tools: list = None
    thinking: bool = False
    last_only: bool = False    # train on the last model turn only (the template drops earlier thoughts)
    text: str = ""             # a plain document instead of messages


def user(text):
    return {"role": "user", "content": text}


def model(text, thought=""):
    return {"role": "assistant", "content": text} | ({"reasoning": thought} if thought else {})


def styled(rng, q):
    """The same question as people type it."""
    r = rng.random()
    if r < 0.55 or not q:
        return q
    if r < 0.75:
        q = q[:1].lower() + q[1:] if not q.startswith("I ") else q
    if r < 0.65 or 0.75 < r < 0.82:
        return q.rstrip("?.!")
    if r < 0.75:
        return q
    if 0.82 < r < 0.86:
        return q.lower()
    lower = q if q.startswith("I ") or q[:2].isupper() else q[:1].lower() + q[1:]
    if r < 0.92 and q[-1:] in "?.":
        return rng.choice(["Please: ", "Hey, ", "Hi! ", "Ok, ", "Now: ", "And ", "Tell me: ", "Question: "]) + lower
    return q[:-1] + rng.choice([", please.", " please?", "??", " ?"]) if q[-1:] in "?." else q


def turn(rng, item):
    return [user(styled(rng, item.question)), model(item.answer)]


FOLLOW_RELATIONS = ["And {x}?", "What about {x}?", "And of {x}?", "How about {x}?", "And in {x}?"]
FOLLOW_ENTITY = {"capital": ["And its capital?", "What is its capital?", "And the capital?"],
                 "continent": ["On which continent is it?", "And its continent?", "Which continent is that?"],
                 "language": ["And the language?", "What language do people speak there?", "Which language do they speak?"],
                 "currency": ["And its currency?", "What is its currency?", "What is the currency there?"]}


def follow_up(rng, item):
    """A second question that needs the first one, or None."""
    about = item.about
    if "row" in about:
        if rng.random() < 0.5:
            return items.country(rng, about["relation"], templates=FOLLOW_RELATIONS)
        others = [r for r in FOLLOW_ENTITY if r != about["relation"]]
        relation = rng.choice(others)
        return items.country(rng, relation, about["row"], FOLLOW_ENTITY[relation])
    if "number" in about and about["number"] < 100:
        a, b = about["number"], rng.randint(1, 10)
        s = rng.choice("+-" if a >= b else "+")
        way = rng.choice(["Add {b} to that.", "And plus {b}?", "Plus {b}?"] if s == "+" else ["Take {b} from that.", "And minus {b}?", "Minus {b}?"])
        y = SIGNS[s][1](a, b)
        return items.Item("follow_up", f"follow_up/{a}{s}{b}", way.format(b=b), f"{a} {s} {b} = {y}.", about={"number": y})
    return None


def memory(rng):
    """Something the user said early, asked for later: (statement, reply, question, answer)."""
    kind = rng.randrange(4)
    if kind < 2:
        n = rng.choice(f.NAMES)
        return (rng.choice([f"My name is {n}.", f"I am {n}.", f"Hi, I am {n}!", f"Call me {n}."]), f"Nice to meet you, {n}!",
                rng.choice(["What is my name?", "Who am I?", "Do you remember my name?", "What am I called?"]), f"Your name is {n}.")
    if kind == 2:
        c = rng.choice(["red", "blue", "green", "yellow", "black", "white", "pink", "purple"])
        return (rng.choice([f"My favourite colour is {c}.", f"I like {c} best."]), f"{upper_first(c)} is a nice colour!",
                rng.choice(["What is my favourite colour?", "Which colour do I like?"]), f"Your favourite colour is {c}.")
    a = rng.choice(["a cat", "a dog", "a horse", "a rabbit", "a mouse", "a duck", "a goat", "a fish"])
    return f"I have {a}.", f"{upper_first(a)} is a nice animal!", rng.choice(["What animal do I have?", "Which animal do I have?"]), f"You have {a}."


def conversation(rng, train):
    messages, saved = [], None
    if rng.random() < 0.25:
        saved = memory(rng)
        messages += [user(saved[0]), model(saved[1])]
    n = rng.choice([2, 2, 2, 3, 3, 4, 4, 5, 6, 8])
    for _ in range(n):
        item = draw(rng, train)
        messages += turn(rng, item)
        while rng.random() < 0.5:
            item = follow_up(rng, item)
            if item is None or items.held_out(item.key) == train:
                break
            messages += [user(styled(rng, item.question) if rng.random() < 0.3 else item.question), model(item.answer)]
        r = rng.random()
        if r < 0.04:
            messages += [user(rng.choice(["Say that again.", "Repeat that.", "What did you say?", "Again, please."])), model(messages[-1]["content"])]
        elif saved and r < 0.4:
            messages += [user(saved[2]), model(saved[3])]
            saved = None
    if saved:
        messages += [user(saved[2]), model(saved[3])]
    return Chat("conversation", messages)


PLAIN_SYSTEMS = ["You are a helpful assistant.", "You are a friendly assistant.", "Be polite.", "You are nano.", "Answer the question.",
                 "You are a test model. Be brief.", "You are a helpful and honest assistant.", "Help the user.", "Speak English."]
SHORT_SYSTEMS = ["Answer in one word.", "Answer with one word.", "Give only the answer.", "Use one word only.", "Reply with a single word."]


def with_system(rng, train):
    r = rng.random()
    if r < 0.4:
        chat = conversation(rng, train) if rng.random() < 0.4 else Chat("system", turn(rng, draw(rng, train)))
        return Chat("system", [{"role": "system", "content": rng.choice(PLAIN_SYSTEMS)}] + chat.messages)
    if r < 0.85:
        messages = [{"role": rng.choice(["system", "system", "developer"]), "content": rng.choice(SHORT_SYSTEMS)}]
        for _ in range(rng.choice([1, 1, 2, 3])):
            item = draw(rng, train)
            while not item.word:
                item = draw(rng, train)
            messages += [user(styled(rng, item.question)), model(item.word)]
        return Chat("one_word", messages)
    n = rng.choice(f.NAMES)
    messages = [{"role": "system", "content": rng.choice([f"Your name is {n}.", f"You are {n}.", f"You are called {n}."])}]
    if rng.random() < 0.4:
        messages += turn(rng, draw(rng, train))
    q = rng.choice(["Who are you?", "What is your name?", "What are you called?", "Tell me your name."])
    return Chat("system", messages + [user(q), model(f"My name is {n}.")])


def thinking(rng, train):
    messages = []
    if rng.random() < 0.3:
        messages.append({"role": "system", "content": rng.choice(PLAIN_SYSTEMS)})
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        messages += turn(rng, draw(rng, train))
    item = draw(rng, train)
    while not item.thought:
        item = draw(rng, train)
    messages += [user(styled(rng, item.question)), model(item.answer, item.thought)]
    return Chat("thinking", messages, thinking=True, last_only=True)


# ---- tools ----

def declaration(rng, name, description, properties):
    required = list(properties) if rng.random() < 0.8 else []
    described = rng.random() < 0.5
    props = {k: ({"type": t, "description": d} if described else {"type": t}) for k, (t, d) in properties.items()}
    parameters = {"type": "object", "properties": props} | ({"required": required} if required else {})
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


@dataclass
class Use:
    """A tool, a question for it, the calls, their results and the answer."""
    tool: dict
    question: str
    calls: list
    results: list
    answer: str
    category: str = "tool"


def expression_tool(rng):
    name = rng.choice(["calculator"] * 4 + ["calc", "calculate", "evaluate", "math"])
    arg = rng.choice(["expression"] * 4 + ["expr", "formula", "input"])
    tool = declaration(rng, name, rng.choice(["Evaluates an arithmetic expression", "Calculates an expression.", "A calculator",
                                              "Computes the value of an expression", "Do math", "Calculate a result."]),
                       {arg: ("string", rng.choice(["The expression", "What to calculate", "For example 2+3"]))})
    a, b = (rng.randint(1, rng.choice([20, 99, 999, 9999])) for _ in range(2))
    s = rng.choice("+-**")
    if s == "/" or rng.random() < 0.15:
        s, a = "/", a * b if a * b < 100000 else b
    y = {"+": a + b, "-": a - b, "*": a * b, "/": a // b}[s]
    w = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}[s]
    way = rng.choice(items.SUM_WAYS + (["Multiply {a} by {b}.", "Use the tool: {a} {s} {b}"] if s == "*" else ["Use the tool: {a} {s} {b}"]))
    if s in "*+" and rng.random() < 0.08:
        n, x = rng.choice(f.NAMES), rng.choice(f.ITEMS)
        q = f"{n} has {a} boxes with {b} {x} each. How many {x} is that?" if s == "*" else f"{n} has {a} {x} and gets {b} more. How many {x} does {n} have now?"
    else:
        q = way.format(a=a, b=b, s=s, w=w)
    return Use(tool, q, [{arg: f"{a}{s}{b}"}], [str(y)], f"{a} {s} {b} = {y}.")


def two_number_tool(rng):
    s, names, verb = rng.choice([("+", ["add", "sum", "plus"], "Adds"), ("*", ["multiply", "product", "times"], "Multiplies"),
                                 ("-", ["subtract", "minus", "difference"], "Subtracts"), ("/", ["divide", "quotient"], "Divides")])
    x, y = rng.choice([("a", "b"), ("a", "b"), ("x", "y"), ("first", "second"), ("left", "right"), ("m", "n")])
    kind = rng.choice(["number", "integer"])
    tool = declaration(rng, rng.choice(names), rng.choice([f"{verb} two numbers.", f"{verb} two numbers", f"{verb} {x} and {y}"]),
                       {x: (kind, "The first number"), y: (kind, "The second number")})
    a, b = (rng.randint(1, rng.choice([20, 99, 999])) for _ in range(2))
    if s == "/":
        a = a * b
    r = {"+": a + b, "-": a - b, "*": a * b, "/": a // b}[s]
    w = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}[s]
    own = {"+": "Add {a} and {b}.", "*": "Multiply {a} by {b}.", "-": "Subtract {b} from {a}.", "/": "Divide {a} by {b}."}[s]
    return Use(tool, rng.choice(items.SUM_WAYS + [own] * 3).format(a=a, b=b, s=s, w=w), [{x: a, y: b}], [str(r)], f"{a} {s} {b} = {r}.")


def city_tool(rng):
    cities = rng.sample(f.CITIES, 2 if rng.random() < 0.15 else 1)
    arg = rng.choice(["city", "city", "location", "place"])
    if rng.random() < 0.6:
        name, description = rng.choice(["get_weather", "get_weather", "weather", "current_weather"]), rng.choice(
            ["Gets the weather", "The weather in a city.", "Get the current weather of a city", "Returns the weather"])
        results = [f"{rng.choice(f.WEATHERS)}, {rng.randint(-9, 35)} degrees" for _ in cities]
        answer = " ".join(f"The weather in {c}: {r}." for c, r in zip(cities, results))
        ways = ["What is the weather in {c}?", "How is the weather in {c}?", "Weather in {c}?", "What is the weather like in {c}?"]
    else:
        name, description = rng.choice(["get_time", "time", "current_time"]), rng.choice(
            ["Gets the time", "The time in a city.", "Get the current time in a city", "Returns the time"])
        results = [f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}" for _ in cities]
        answer = " ".join(f"It is {r} in {c}." for c, r in zip(cities, results))
        ways = ["What time is it in {c}?", "What is the time in {c}?", "Time in {c}?", "How late is it in {c}?"]
    tool = declaration(rng, name, description, {arg: ("string", rng.choice(["The city", "Name of the city"]))})
    return Use(tool, rng.choice(ways).format(c=" and ".join(cities)), [{arg: c} for c in cities], results, answer)


def action_tool(rng):
    kind = rng.randrange(4)
    if kind == 0:
        room = rng.choice(["kitchen", "bedroom", "garden", "office", "hall"])
        on = rng.random() < 0.5
        name = rng.choice(["set_light", "light", "switch_light"])
        tool = declaration(rng, name, "Switches a light", {"room": ("string", "The room"), "on": ("boolean", "On or off")})
        q = rng.choice(["Turn {s} the light in the {r}.", "Switch {s} the {r} light.", "{S} with the light in the {r}!"])
        return Use(tool, q.format(s="on" if on else "off", S="On" if on else "Off", r=room), [{"on": on, "room": room}], ["ok"],
                   f"The light in the {room} is {'on' if on else 'off'}.")
    if kind == 1:
        n = rng.randint(1, 60)
        arg = rng.choice(["minutes", "minutes", "time"])
        tool = declaration(rng, rng.choice(["set_timer", "timer", "start_timer"]), "Sets a timer", {arg: ("integer", "How many minutes")})
        return Use(tool, rng.choice(["Set a timer for {n} minutes.", "Timer for {n} minutes!", "Wake me in {n} minutes."]).format(n=n), [{arg: n}],
                   ["ok"], f"The timer is set for {n} minutes.")
    if kind == 2:
        x = rng.choice(f.ITEMS)
        n = str(rng.randint(0, 99))
        arg = rng.choice(["item", "item", "product", "name"])
        if rng.random() < 0.5:
            tool = declaration(rng, rng.choice(["get_price", "price"]), "Gets the price", {arg: ("string", "The item")})
            return Use(tool, rng.choice(["How much are the {x}?", "What is the price of the {x}?"]).format(x=x), [{arg: x}], [n], f"The {x} cost {n}.")
        tool = declaration(rng, rng.choice(["get_stock", "stock"]), "Counts the stock", {arg: ("string", "The item")})
        return Use(tool, rng.choice(["How many {x} are in stock?", "Do we have {x}?"]).format(x=x), [{arg: x}], [n], f"There are {n} {x}.")
    sides = rng.choice([4, 6, 8, 10, 12, 20])
    n = str(rng.randint(1, sides))
    tool = declaration(rng, rng.choice(["roll_dice", "roll", "dice"]), "Rolls a die", {"sides": ("integer", "Number of sides")})
    return Use(tool, rng.choice(["Roll a die with {s} sides.", "Roll a {s} sided die.", "Throw a die with {s} sides."]).format(s=sides), [{"sides": sides}],
               [n], f"You rolled a {n}.")


TOOLS = [expression_tool, two_number_tool, city_tool, action_tool]


def with_tools(rng, train):
    thinks = rng.random() < 0.1
    uses = [rng.choices(TOOLS, [5, 3, 2, 2])[0](rng) for _ in range(rng.choice([1, 1, 1, 1, 2, 2, 3]))]
    tools = list({u.tool["function"]["name"]: u.tool for u in uses}.values())
    uses = [u for u in uses if any(u.tool is t for t in tools)]
    maths = [u for u in uses if u.answer.count("=") == 1]
    uses = [u for u in uses if u not in maths] + maths[:1]      # one way to calculate, so that the choice is clear
    tools = [t for t in tools if any(u.tool is t for u in uses)]
    rng.shuffle(tools)
    messages = [{"role": "system", "content": rng.choice(PLAIN_SYSTEMS)}] if rng.random() < 0.25 else []
    used = rng.sample(uses, 1)
    if rng.random() < 0.25:
        used.append(rng.choice(uses))
    for i, use in enumerate(used):
        last = i + 1 == len(used)
        if rng.random() < 0.25:
            item = draw(rng, train)
            while maths and item.about.get("number") is not None:
                item = draw(rng, train)
            messages += turn(rng, item)
        name = use.tool["function"]["name"]
        calls = [{"type": "function", "id": f"call_{j}", "function": {"name": name, "arguments": a}} for j, a in enumerate(use.calls)]
        messages += [user(styled(rng, use.question)), {"role": "assistant", "tool_calls": calls}
                     | ({"reasoning": f"I use the tool {name}."} if thinks and last else {})]
        if rng.random() < 0.6:
            messages += [{"role": "tool", "tool_call_id": f"call_{j}", "content": r} for j, r in enumerate(use.results)]
        else:
            key = rng.choice(["result", "value", "output"])
            messages[-1]["tool_responses"] = [{"name": name, "response": {key: int(r) if r.lstrip("-").isdigit() and rng.random() < 0.7 else r}}
                                              for r in use.results]
        messages.append(model(use.answer, "Now I know the answer." if thinks and last else ""))
    if not thinks and rng.random() < 0.15:
        item = draw(rng, train)
        while maths and item.about.get("number") is not None:
            item = draw(rng, train)
        messages += turn(rng, item)
    return Chat("tool", messages, tools=tools, thinking=thinks, last_only=thinks)


def document(rng, train):
    """Text without turns, so that the model can also continue raw text."""
    parts = []
    for _ in range(rng.choice([1, 2, 3])):
        r = rng.random()
        if r < 0.4:
            parts.append(items.story(rng).answer)
        elif r < 0.6:
            name, capital, continent, language, currency = rng.choice(f.COUNTRIES)
            parts.append(f"{upper_first(name)} is a country in {continent}. Its capital is {capital}. People speak {language} and pay with the {currency}.")
        elif r < 0.85:
            parts.append(rng.choice(ex.EXPLANATIONS)[1])
        else:
            item = draw(rng, train)
            parts.append(f"Question: {item.question}\nAnswer: {item.answer}")
    return Chat("document", [], text="\n\n".join(parts))


def single(rng, train):
    item = draw(rng, train)
    return Chat(item.category, turn(rng, item))


KINDS = [(single, 40), (conversation, 26), (with_system, 9), (thinking, 5), (with_tools, 16), (document, 4)]
BUILDERS, WEIGHTS = zip(*KINDS)


def draw_chat(rng, train=True):
    return rng.choices(BUILDERS, WEIGHTS)[0](rng, train)
