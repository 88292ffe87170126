// The program gemma4: every command for the four models, the default model and the four tiny test models.
// Each is compiled in a translation unit of its own (cmake/gemma4_variants.cmake).
#include <gemma4_program_variants.hpp>

#include <gemma4/cli/program.hpp>

int main(int argc, char** argv)
{
    using namespace gemma4;
    return program<e2b, e4b, a4b, d31b, nano, tiny_e2b, tiny_e4b, tiny_a4b, tiny_d31b>(argc, argv);
}
