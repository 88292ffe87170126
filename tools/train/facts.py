"""The closed world of the nano model: tables typed in for this project (plain facts, no source text copied)."""

# name | capital | continent | main language | currency
COUNTRIES = [tuple(line.split("|")) for line in """
Argentina|Buenos Aires|South America|Spanish|peso
Australia|Canberra|Oceania|English|dollar
Austria|Vienna|Europe|German|euro
Belgium|Brussels|Europe|Dutch|euro
Brazil|Brasilia|South America|Portuguese|real
Bulgaria|Sofia|Europe|Bulgarian|lev
Canada|Ottawa|North America|English|dollar
Chile|Santiago|South America|Spanish|peso
China|Beijing|Asia|Chinese|yuan
Colombia|Bogota|South America|Spanish|peso
Croatia|Zagreb|Europe|Croatian|euro
Cuba|Havana|North America|Spanish|peso
Denmark|Copenhagen|Europe|Danish|krone
Egypt|Cairo|Africa|Arabic|pound
England|London|Europe|English|pound
Ethiopia|Addis Ababa|Africa|Amharic|birr
Finland|Helsinki|Europe|Finnish|euro
France|Paris|Europe|French|euro
Germany|Berlin|Europe|German|euro
Ghana|Accra|Africa|English|cedi
Greece|Athens|Europe|Greek|euro
Hungary|Budapest|Europe|Hungarian|forint
Iceland|Reykjavik|Europe|Icelandic|krona
India|New Delhi|Asia|Hindi|rupee
Indonesia|Jakarta|Asia|Indonesian|rupiah
Iran|Tehran|Asia|Persian|rial
Iraq|Baghdad|Asia|Arabic|dinar
Ireland|Dublin|Europe|English|euro
Israel|Jerusalem|Asia|Hebrew|shekel
Italy|Rome|Europe|Italian|euro
Japan|Tokyo|Asia|Japanese|yen
Jordan|Amman|Asia|Arabic|dinar
Kenya|Nairobi|Africa|Swahili|shilling
Malaysia|Kuala Lumpur|Asia|Malay|ringgit
Mexico|Mexico City|North America|Spanish|peso
Mongolia|Ulaanbaatar|Asia|Mongolian|tugrik
Morocco|Rabat|Africa|Arabic|dirham
Nepal|Kathmandu|Asia|Nepali|rupee
New Zealand|Wellington|Oceania|English|dollar
Nigeria|Abuja|Africa|English|naira
Norway|Oslo|Europe|Norwegian|krone
Pakistan|Islamabad|Asia|Urdu|rupee
Peru|Lima|South America|Spanish|sol
Poland|Warsaw|Europe|Polish|zloty
Portugal|Lisbon|Europe|Portuguese|euro
Romania|Bucharest|Europe|Romanian|leu
Russia|Moscow|Europe|Russian|ruble
Scotland|Edinburgh|Europe|English|pound
Serbia|Belgrade|Europe|Serbian|dinar
Slovakia|Bratislava|Europe|Slovak|euro
South Korea|Seoul|Asia|Korean|won
Spain|Madrid|Europe|Spanish|euro
Sweden|Stockholm|Europe|Swedish|krona
Switzerland|Bern|Europe|German|franc
Thailand|Bangkok|Asia|Thai|baht
the Czech Republic|Prague|Europe|Czech|koruna
the Netherlands|Amsterdam|Europe|Dutch|euro
the Philippines|Manila|Asia|Filipino|peso
the United States|Washington|North America|English|dollar
Turkey|Ankara|Asia|Turkish|lira
Ukraine|Kyiv|Europe|Ukrainian|hryvnia
Uruguay|Montevideo|South America|Spanish|peso
Vietnam|Hanoi|Asia|Vietnamese|dong
""".strip().splitlines()]

# animal | sound (verb) | legs | class | young | home
ANIMALS = [tuple(line.split("|")) for line in """
ant||6|insect||a nest
bear|growls|4|mammal|cub|a den
bee|buzzes|6|insect||a hive
cat|meows|4|mammal|kitten|a house
chicken|clucks|2|bird|chick|a coop
cow|moos|4|mammal|calf|a barn
crow|caws|2|bird|chick|a nest
dog|barks|4|mammal|puppy|a house
donkey|brays|4|mammal|foal|a stable
duck|quacks|2|bird|duckling|a pond
eagle|screams|2|bird|eaglet|a nest
elephant|trumpets|4|mammal|calf|the savanna
fish||0|fish||the water
fox|barks|4|mammal|cub|a den
frog|croaks|4|amphibian|tadpole|a pond
goat|bleats|4|mammal|kid|a barn
goose|honks|2|bird|gosling|a farm
horse|neighs|4|mammal|foal|a stable
lion|roars|4|mammal|cub|the savanna
mouse|squeaks|4|mammal||a hole
owl|hoots|2|bird|owlet|a tree
pig|oinks|4|mammal|piglet|a sty
pigeon|coos|2|bird||a city
rabbit||4|mammal|bunny|a burrow
sheep|baas|4|mammal|lamb|a meadow
snake|hisses|0|reptile||a hole
spider||8|arachnid||a web
tiger|roars|4|mammal|cub|the jungle
turkey|gobbles|2|bird||a farm
turtle||4|reptile||the water
whale|sings|0|mammal|calf|the sea
wolf|howls|4|mammal|pup|a den
""".strip().splitlines()]

# thing | colour
COLOURS = [tuple(p.split(":")) for p in (
    "the sky:blue grass:green a banana:yellow snow:white coal:black blood:red a tomato:red a lemon:yellow the sea:blue "
    "a carrot:orange an orange:orange milk:white the sun:yellow chocolate:brown a strawberry:red a cucumber:green "
    "the night:black an elephant:grey a flamingo:pink a leaf:green a cherry:red salt:white a crow:black a pumpkin:orange "
    "a frog:green rice:white a plum:purple a polar bear:white").replace("the ", "the_").replace(" an ", " an_")
    .replace(" a ", " a_").replace("polar bear", "polar_bear").split()]
COLOURS = [(thing.replace("_", " "), colour) for thing, colour in COLOURS]
MIXES = [("red", "yellow", "orange"), ("blue", "yellow", "green"), ("red", "blue", "purple"), ("red", "white", "pink"),
         ("black", "white", "grey")]

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
SEASONS = ["winter", "winter", "spring", "spring", "spring", "summer", "summer", "summer", "autumn", "autumn", "autumn", "winter"]

# small unit(s) | big unit | how many
UNITS = [("seconds", "a minute", 60), ("minutes", "an hour", 60), ("hours", "a day", 24), ("days", "a week", 7),
         ("months", "a year", 12), ("days", "a year", 365), ("weeks", "a year", 52), ("years", "a century", 100),
         ("years", "a decade", 10), ("centimeters", "a meter", 100), ("meters", "a kilometer", 1000),
         ("millimeters", "a centimeter", 10), ("grams", "a kilogram", 1000), ("kilograms", "a ton", 1000),
         ("milliliters", "a liter", 1000), ("inches", "a foot", 12), ("feet", "a yard", 3), ("cents", "a euro", 100),
         ("cents", "a dollar", 100), ("sides", "a triangle", 3), ("sides", "a square", 4), ("sides", "a hexagon", 6),
         ("eggs", "a dozen", 12), ("bits", "a byte", 8), ("letters", "the alphabet", 26), ("wheels", "a car", 4),
         ("wheels", "a bicycle", 2), ("strings", "a guitar", 6), ("strings", "a violin", 4), ("planets", "the solar system", 8),
         ("players", "a football team", 11), ("fingers", "a hand", 5), ("continents", "the world", 7)]

OPPOSITES = [tuple(p.split("-")) for p in (
    "hot-cold big-small fast-slow up-down day-night happy-sad old-young full-empty open-closed light-dark high-low hard-soft "
    "wet-dry rich-poor long-short left-right early-late strong-weak good-bad clean-dirty thick-thin loud-quiet win-lose "
    "buy-sell push-pull true-false black-white first-last inside-outside heavy-light near-far sweet-bitter begin-end "
    "question-answer friend-enemy love-hate always-never wide-narrow deep-shallow easy-difficult").split()]

PLURALS = [tuple(p.split("-")) for p in (
    "cat-cats dog-dogs house-houses tree-trees book-books car-cars apple-apples mouse-mice child-children man-men woman-women "
    "foot-feet tooth-teeth goose-geese sheep-sheep fish-fish leaf-leaves wolf-wolves knife-knives city-cities baby-babies "
    "box-boxes bus-buses person-people story-stories egg-eggs river-rivers day-days boy-boys key-keys potato-potatoes "
    "watch-watches flower-flowers wife-wives ox-oxen").split()]

PASTS = [tuple(p.split("-")) for p in (
    "go-went see-saw eat-ate run-ran take-took make-made give-gave come-came write-wrote read-read sing-sang swim-swam "
    "drink-drank drive-drove fly-flew buy-bought think-thought find-found tell-told sleep-slept speak-spoke know-knew "
    "break-broke win-won walk-walked play-played look-looked work-worked help-helped jump-jumped love-loved open-opened "
    "build-built fall-fell").split()]

# English | French | German | Spanish
WORDS = [tuple(line.split()) for line in """
water eau Wasser agua
bread pain Brot pan
house maison Haus casa
cat chat Katze gato
dog chien Hund perro
sun soleil Sonne sol
moon lune Mond luna
book livre Buch libro
milk lait Milch leche
tree arbre Baum arbol
hello bonjour hallo hola
thanks merci danke gracias
yes oui ja si
no non nein no
red rouge rot rojo
one un eins uno
two deux zwei dos
three trois drei tres
friend ami Freund amigo
day jour Tag dia
night nuit Nacht noche
apple pomme Apfel manzana
fish poisson Fisch pez
love amour Liebe amor
""".strip().splitlines()]

PLANETS = "Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune".split()

NAMES = ("Ana Ben Carla David Emma Felix Grace Hugo Ines Jack Kate Leo Mia Nina Oscar Paul Rosa Sam Tom Vera Will Zoe Max Lucy "
         "Peter Maria John Alice Bob Eva").split()

SPELLING = sorted({w for pair in OPPOSITES + PLURALS for w in pair if len(w) <= 7 and w.isalpha()}
                  | {a[0] for a in ANIMALS} | {w for row in WORDS for w in row[:1]} | {c.lower() for _, c in COLOURS}
                  | {"banana", "letter", "hello", "world", "green", "school", "street", "music", "paper", "table", "window",
                     "coffee", "bottle", "summer", "winter", "castle", "king", "queen", "ship", "road", "bread"})

NUMBERS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
           "eighteen nineteen twenty").split()

ITEMS = "apples eggs books pens cups stones cards coins nuts shells".split()
CITIES = sorted(c[1] for c in COUNTRIES)
WEATHERS = ["sunny", "rainy", "cloudy", "windy", "snowy", "foggy", "clear", "stormy"]
