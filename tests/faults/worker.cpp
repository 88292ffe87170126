// The program over the default model, small enough to be started a few hundred times.
#include <gemma4/cli/program.hpp>
#include <gemma4/spec/nano.hpp>

int main(int argc, char** argv)
{
    return gemma4::program<gemma4::nano>(argc, argv);
}
