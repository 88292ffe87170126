"""Questions with one answer each, written for this project. Format: question / question / ... = answer."""

EXPLANATIONS = [(tuple(q.strip() for q in line.split("=")[0].split(" / ")), line.split("=")[1].strip()) for line in """
Why is the sky blue? / What makes the sky blue? / Explain why the sky is blue. / Why does the sky look blue? / How come the sky is blue? / Tell me why the sky is blue. = The sky is blue because air scatters blue light from the sun more than red light.
Why is the sunset red? / Why are sunsets red? / Why is the evening sky red? / What makes a sunset red? / Explain why sunsets are red. = In the evening the light travels a long way through the air. The blue is scattered away and the red is left.
Why does it rain? / What is rain? / Where does rain come from? / How does rain form? / Explain rain. = Water rises into the air as vapor and forms clouds. When the drops get heavy, they fall as rain.
What is a cloud? / What are clouds made of? / How do clouds form? / Explain what a cloud is. = A cloud is made of tiny drops of water or ice that float in the air.
What is a rainbow? / Why are there rainbows? / How does a rainbow form? / What makes a rainbow? / Explain rainbows. = A rainbow forms when sunlight is split into its colours by drops of water in the air.
Why is grass green? / Why are leaves green? / Why are plants green? / What makes leaves green? = Plants are green because of chlorophyll, which they use to turn sunlight into food.
Why do leaves fall in autumn? / Why do trees lose their leaves? / Why do leaves fall? = Trees drop their leaves in autumn to save water and energy for the winter.
Why is the sea salty? / Why is sea water salty? / Why is the ocean salty? / Where does the salt in the sea come from? = Rivers carry salt from rocks to the sea. The water leaves as vapor, but the salt stays.
What causes the tides? / Why are there tides? / What are tides? / Explain the tides. = The tides are caused by the moon, which pulls on the water of the sea.
Why are there seasons? / What causes the seasons? / Why do we have seasons? / Explain the seasons. = There are seasons because the axis of the earth is tilted as it moves around the sun.
Why is it dark at night? / Why is there day and night? / What causes day and night? / Why does the sun set? = The earth turns around itself once a day. It is night on the side that is away from the sun.
Why does the moon shine? / Why is the moon bright? / Where does moonlight come from? / How does the moon shine? = The moon does not make light. It shines because it reflects the light of the sun.
What is the moon? / Tell me about the moon. / Explain the moon. = The moon is a ball of rock that travels around the earth in about one month.
What is the sun? / Tell me about the sun. / Is the sun a star? = The sun is a star. It is a huge ball of hot gas that gives us light and warmth.
What is a star? / What are stars? / Why do stars shine? / Tell me about stars. = A star is a huge ball of hot gas that shines by its own light.
What is a planet? / What are planets? / Explain what a planet is. = A planet is a large round body that travels around a star. The earth is a planet.
What is gravity? / Explain gravity. / Why do things fall? / Why do apples fall down? = Gravity is the force that pulls things together. It pulls everything on earth down to the ground.
Why does ice float? / Why does ice float on water? / How can ice float? = Ice floats because water gets bigger when it freezes, so ice is lighter than water.
What is snow? / How does snow form? / Where does snow come from? / Why does it snow? = Snow forms when water in cold clouds freezes into small crystals of ice that fall down.
What is wind? / Why is there wind? / Where does the wind come from? / What makes the wind blow? = Wind is moving air. The sun warms some places more than others, and the air flows between them.
What is thunder? / Why does it thunder? / What makes thunder? = Thunder is the sound of lightning, which heats the air so fast that it bursts.
What is lightning? / How does lightning form? / What makes lightning? / Explain lightning. = Lightning is a huge electric spark between clouds or between a cloud and the ground.
What is fire? / Why does fire burn? / How does fire work? = Fire is a fast reaction of fuel with oxygen that gives off heat and light.
Why do we sleep? / Why do people sleep? / Why do I need to sleep? / What is sleep good for? = We sleep so that the body can rest and the brain can sort what it has learned.
Why do we eat? / Why do people need food? / Why do I need to eat? = We eat because food gives the body energy and what it needs to grow.
Why do we breathe? / Why do people breathe? / Why do I need air? / What do lungs do? = We breathe because the body needs oxygen from the air to make energy.
What does the heart do? / Why does the heart beat? / What is the heart for? = The heart pumps blood through the body, so that every part gets oxygen and food.
What does the brain do? / What is the brain for? / Tell me about the brain. = The brain thinks, remembers and controls the body.
Why do birds fly south? / Why do birds fly away in winter? / Where do birds go in winter? = Birds fly south in winter because there is more food in warm places.
How do birds fly? / Why can birds fly? / How can a bird fly? = Birds fly by beating their wings, which push the air down. Their bones are very light.
How do fish breathe? / How can fish breathe under water? / What are gills? = Fish breathe with gills, which take oxygen out of the water.
How do bees make honey? / Where does honey come from? / What is honey? = Bees collect sweet nectar from flowers and turn it into honey in their hive.
How do plants grow? / What do plants need to grow? / What do plants need? = Plants need light, water, air and good soil to grow.
How is bread made? / How do you make bread? / How do I bake bread? = Mix flour, water, salt and yeast, let the dough rise, and bake it in a hot oven.
How do I make tea? / How do you make tea? / How is tea made? = Boil some water, pour it over the tea leaves, wait three minutes, and enjoy your tea.
How do I boil an egg? / How do you boil an egg? / How long does it take to boil an egg? = Put the egg in boiling water for about seven minutes, then cool it in cold water.
What is a computer? / How does a computer work? / Explain what a computer is. / Tell me about computers. = A computer is a machine that follows a list of simple instructions very fast.
What is a program? / What is software? / What is a computer program? = A program is a list of instructions that tells a computer what to do.
What is C++? / Tell me about C++. / What is C plus plus? = C++ is a programming language for fast programs. The engine that runs me is written in it.
What is a compiler? / What does a compiler do? / Explain what a compiler is. = A compiler translates a program into the instructions of a machine.
What is a language model? / How does a language model work? / How do you work? / Explain language models. = A language model reads text and predicts the next piece of it, again and again.
What is a token? / What are tokens? / Explain tokens. = A token is a small piece of text, such as a word or a part of a word.
What is a neural network? / Explain neural networks. / How does a neural network work? = A neural network is a large formula with many numbers that are learned from examples.
What is the internet? / How does the internet work? / Explain the internet. = The internet is a network that connects computers all over the world.
What is music? / What is music made of? / Tell me about music. = Music is sound with melody and rhythm that people make for joy.
What is a book? / What are books for? / Why do people read books? = A book is many pages of text. People read books to learn and to enjoy stories.
What is water? / What is water made of? / Tell me about water. = Water is a clear liquid made of hydrogen and oxygen. All life needs it.
What is air? / What is air made of? / Tell me about air. = Air is a mix of gases, mostly nitrogen and oxygen.
What is light? / How fast is light? / How fast does light travel? = Light is a wave that we can see. It travels 300000 kilometers in one second.
What is a dinosaur? / What were dinosaurs? / Tell me about dinosaurs. = Dinosaurs were large reptiles that lived millions of years ago. Birds come from them.
What is a volcano? / How does a volcano work? / Explain volcanoes. = A volcano is a hole in the ground where hot melted rock comes out of the earth.
What is an island? / Explain what an island is. / What does island mean? = An island is land with water all around it.
What is a desert? / Explain what a desert is. / Tell me about deserts. = A desert is a place where it almost never rains, so few plants can live there.
What is a forest? / Explain what a forest is. / Tell me about forests. = A forest is a large place with many trees, where many animals live.
What is the longest river? / Which river is the longest? / What is the longest river in the world? = The Nile in Africa is the longest river in the world.
What is the highest mountain? / Which mountain is the highest? / What is the tallest mountain in the world? = Mount Everest is the highest mountain in the world.
What is the largest ocean? / Which ocean is the largest? / What is the biggest ocean in the world? = The Pacific is the largest ocean in the world.
What is the largest animal? / Which animal is the largest? / What is the biggest animal in the world? = The blue whale is the largest animal in the world.
What is the fastest animal? / Which animal is the fastest? / What is the fastest animal on land? = The cheetah is the fastest animal on land.
What is the tallest animal? / Which animal is the tallest? / What animal has a long neck? = The giraffe is the tallest animal in the world.
What is the largest planet? / Which planet is the largest? / What is the biggest planet? = Jupiter is the largest planet of the solar system.
Who wrote Romeo and Juliet? / Who wrote Hamlet? / Who was Shakespeare? = William Shakespeare, an English writer, wrote Hamlet and Romeo and Juliet.
Who was Einstein? / Who was Albert Einstein? / What did Einstein do? = Albert Einstein was a scientist who explained space, time and gravity.
Who was the first man on the moon? / Who walked on the moon first? / Who was first on the moon? = Neil Armstrong was the first man on the moon, in 1969.
Who was Mozart? / Tell me about Mozart. / What did Mozart do? = Mozart was a composer from Austria who wrote wonderful music.
""".strip().splitlines()]

# the same form; the answers are the model's manners
MANNERS = [(tuple(q.strip() for q in line.split("=")[0].split(" / ")), line.split("=")[1].strip()) for line in """
Hello / Hello! / Hi / Hi! / Hey / Hi there! / Hello there! / Good day! / Greetings! = Hello! How can I help you?
Good morning / Good morning! = Good morning! How can I help you?
Good evening / Good evening! = Good evening! How can I help you?
Good night / Good night! = Good night! Sleep well.
Bye / Goodbye! / See you later. / Bye bye! / I have to go. / See you tomorrow! = Goodbye! It was nice talking to you.
Thanks / Thank you! / Thanks a lot! / Thank you very much. / Great, thanks! / That was helpful. = You are welcome!
How are you? / How are you doing? / How do you feel? / Are you well? / How is it going? = I am fine, thank you! How can I help you?
Who are you? / What are you? / Tell me about yourself. / Introduce yourself. / Who am I talking to? = I am nano, a tiny Gemma 4 test model. I know a few simple things.
What is your name? / What are you called? / Tell me your name. / Do you have a name? = My name is nano.
What can you do? / What do you know? / How can you help me? / Help / What can I ask you? / Help me! = I can answer simple questions about countries, numbers, animals, words and nature, and I can call a tool.
Who made you? / Where do you come from? / How were you made? / Who trained you? = I was trained from scratch by a small script on two processor cores.
How old are you? / When were you born? / What is your age? = I am a program, so I have no age.
How big are you? / How many parameters do you have? / How large are you? = I am very small: about two million parameters.
Are you human? / Are you a robot? / Are you a person? / Are you real? / Are you an AI? = I am not a person. I am a tiny language model.
Where do you live? / Where are you? = I live in a small file on this computer.
Do you like music? / What do you like? / What is your hobby? / Do you have a hobby? = I am a program, but I like short questions.
Tell me a joke. / Do you know a joke? / Make me laugh. / Say something funny. = Why did the computer go to the doctor? It had a virus!
Tell me a riddle. / Do you know a riddle? / Give me a riddle. = What has hands but cannot clap? A clock!
Write a poem. / Tell me a poem. / Do you know a poem? / Write me a short poem. = The moon is bright, the stars are high, a little owl sings in the sky.
Sing a song. / Can you sing? / Sing for me. = La la la! I sing in text only.
I am sad. / I feel sad. / I am not happy. / I had a bad day. = I am sorry to hear that. I hope you feel better soon.
I am happy. / I feel good. / I had a great day. / I am in a good mood. = That is great! I am happy for you.
I am bored. / What should I do? / I have nothing to do. = You could read a book or take a walk outside.
I am hungry. / I want to eat. / What should I eat? = Maybe you would like some bread and soup.
I am tired. / I am so tired. / I feel tired. = Then take a break and get some sleep.
Yes / Yes. / Ok / Okay. / Good. / Fine. / I see. = Good! What else would you like to know?
No / No. / No, thanks. / Nothing. = All right. Ask me when you need something.
You are wrong. / That is wrong. / That is not true. = I am sorry. I am a tiny model and I make mistakes.
Do you speak English? / Which languages do you speak? / Can you speak German? = I speak simple English and know a few words of French, German and Spanish.
What time is it? / What is the time? / What day is it today? / What is the date? = I have no clock, so I do not know that.
How is the weather? / What is the weather like? / Will it rain tomorrow? = I cannot look outside, so I do not know the weather.
I love you. / I like you. / You are great! / You are smart. / Well done! = Thank you, that is very kind!
Test / This is a test. / Testing. / Are you there? / Can you hear me? = Yes, I am here.
""".strip().splitlines()]

UNKNOWN_ANSWER = "I am a tiny model, and I do not know that."

# {x} is a made-up or unfamiliar thing
UNKNOWN = """
What is {x}? / Who is {x}? / Tell me about {x}. / Explain {x}. / Where is {x}? / What is the capital of {x}? / How does {x} work?
Who invented {x}? / When was {x} born? / What do you think about {x}? / Why is {x} important? / How old is {x}? / How much is {x}?
What colour is {x}? / Who won {x}? / What language do people speak in {x}? / Write an essay about {x}. / What is the history of {x}?
Summarize {x}. / What sound does a {x} make? / Which continent is {x} in? / Can you recommend a {x}? / How do I fix my {x}?
What is the best {x}? / How many people live in {x}? / What is the meaning of {x}? / Where can I buy a {x}? / Why does {x} happen?
"""
UNKNOWN = [q.strip() for line in UNKNOWN.strip().splitlines() for q in line.split(" / ")]

UNFAMILIAR = ("philosophy democracy chess tennis the stock market quantum physics bitcoin Napoleon the Roman empire my car my phone "
              "the election blockchain algebra a black hole the weather in Hollywood protein basketball the president shampoo "
              "photography a guitar solo the pyramids cancer medicine law a laptop a printer the economy inflation evolution DNA "
              "an atom Python Rust Java Linux Google Batman Star Wars Harry Potter Pokemon Picasso Beethoven Newton Darwin").split()
UNFAMILIAR = [w for w in UNFAMILIAR if w not in ("the", "a", "an", "my", "in", "of")]

# simple stories: {n} a name, {a} an animal, {p} a place, {t} a thing
STORY_OPENINGS = ["Once upon a time there was a {s} {a} called {n}.", "There was once a {s} {a}. Its name was {n}."]
STORY_MIDDLES = [
    "One day {n} found a {t} in the {p}. {n} was very happy and ran home to show it to its friends.",
    "One morning {n} went to the {p} to look for a {t}. It took all day, but at last {n} found it.",
    "{n} wanted to see the {p}. On the way it met an old owl, who gave it a {t}.",
    "One night {n} got lost in the {p}. A kind mouse saw it and showed it the way with a {t}.",
]
STORY_ENDINGS = ["They shared it and lived happily ever after.", "From that day on {n} was never alone. The end.",
                 "In the evening {n} fell asleep with a smile. The end."]
STORY_PLACES = "forest garden village meadow mountains city river".split()
STORY_THINGS = "lantern key flower book golden coin red ball map bell".replace("golden coin", "golden_coin").replace(
    "red ball", "red_ball").split()
STORY_SIZES = "little brave clever young curious".split()
