// One past, several futures: forks share what was said, and a file keeps it. forked_conversation [FOLDER]
#include <filesystem>
#include <iostream>

#include <gemma4/gemma4.hpp>
#include <gemma4/spec/nano.hpp>

int main(int argc, char** argv)
{
    auto model = gemma4::load<gemma4::nano>(argc > 1 ? argv[1] : GEMMA4_MODELS "/nano");
    gemma4::session trunk{model};
    std::cout << "> What is 3 + 4?\n" << trunk.ask("What is 3 + 4?").rest() << '\n';

    for (auto question : {"Add 5 to that.", "Why is the sky blue?"})
    {
        auto branch = trunk;    // shares the memory of what was said
        auto answer = branch.ask(question);
        std::cout << "> " << question << '\n' << answer.rest();
        std::cout << "   (" << answer.used().cached_tokens << " of " << answer.used().prompt_tokens
                  << " tokens were there already)\n";
    }

    auto file = std::filesystem::temp_directory_path() / "gemma4_forked_conversation.state";
    trunk.save(file);
    gemma4::session later{model};    // another day, or another process
    later.load(file);
    std::filesystem::remove(file);
    std::cout << "> Add 10 to that.\n" << later.ask("Add 10 to that.").rest() << '\n';
}
