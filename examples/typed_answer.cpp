// An answer that is a C++ value: the model can write nothing else. typed_answer [FOLDER]
#include <cstdint>
#include <iostream>
#include <string>
#include <type_traits>

#include <gemma4/gemma4.hpp>
#include <gemma4/spec/nano.hpp>

enum class mood
{
    calm,
    glad,
    angry
};
constexpr auto names_of(std::type_identity<mood>)
{
    return gemma4::names(gemma4::named("calm", mood::calm), gemma4::named("glad", mood::glad),
                         gemma4::named("angry", mood::angry));
}

struct review
{
    mood tone = mood::calm;
    std::uint8_t stars = 0;
    bool recommends = false;

    static constexpr auto fields = gemma4::fields(
        gemma4::field("tone", &review::tone, "how the writer feels"), gemma4::field("stars", &review::stars),
        gemma4::field("recommends", &review::recommends));
};

int main(int argc, char** argv)
{
    auto model = gemma4::load<gemma4::nano>(argc > 1 ? argv[1] : GEMMA4_MODELS "/nano");
    gemma4::session chat{model};
    auto const found = chat.ask<review>("Read this review: a lovely lamp, I would buy it again.");
    std::cout << "stars: " << int(found.stars)
              << (found.recommends ? ", recommended\n" : ", not recommended\n");
}
