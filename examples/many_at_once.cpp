// Several conversations step together: the weights are read once for all of them, and each gets what it would
// get alone.
#include <iostream>

#include <gemma4/gemma4.hpp>
#include <gemma4/spec/nano.hpp>

int main(int argc, char** argv)
{
    auto model = gemma4::load<gemma4::nano>(argc > 1 ? argv[1] : GEMMA4_MODELS "/nano");
    gemma4::session first{model}, second{model}, third{model};
    auto italy = first.ask("What is the capital of Italy?");
    auto sum = second.ask("What is 3 + 4?");
    auto hello = third.ask("Hello!");

    gemma4::batch together{model};
    for (auto* run : {&italy, &sum, &hello}) { together.join(*run); }
    together.run();
    for (auto* run : {&italy, &sum, &hello}) { std::cout << run->rest() << '\n'; }
}
