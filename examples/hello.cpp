// Asks a model one question. hello [FOLDER]: a checkpoint of the default model.
#include <iostream>

#include <gemma4/gemma4.hpp>
#include <gemma4/spec/nano.hpp>

int main(int argc, char** argv)
{
    auto model = gemma4::load<gemma4::nano>(argc > 1 ? argv[1] : GEMMA4_MODELS "/nano");
    gemma4::session chat{model};
    for (auto piece : chat.ask("Why is the sky blue?")) { std::cout << piece << std::flush; }
    std::cout << '\n';
}
