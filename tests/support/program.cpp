#include "program.hpp"

#include <sstream>

#include <gemma4/cli/program.hpp>
#include <gemma4/spec/tiny.hpp>

namespace gemma4_test
{
    using namespace gemma4;

    std::span<known_variant const> known_variants()
    {
        static auto const known = variants<tiny_e2b, tiny_a4b>();
        return known;
    }

    int run_program(std::istream& in, std::ostream& out, std::ostream& err,
                    std::vector<std::string> const& arguments, bool terminal)
    {
        static auto const known_towers = cli::towers<tiny_e2b, tiny_a4b>();
        std::vector<char const*> argv{"gemma4"};
        for (auto const& a : arguments) { argv.push_back(a.c_str()); }
        return program(
            known_variants(), int(argv.size()), argv.data(),
            {.in = in, .out = out, .err = err, .in_is_terminal = terminal, .err_is_terminal = terminal},
            known_towers);
    }

    program_result run_program(std::vector<std::string> const& arguments, std::string const& in,
                               bool terminal)
    {
        std::istringstream input(in);
        std::ostringstream out, err;
        auto const status = run_program(input, out, err, arguments, terminal);
        return {status, out.str(), err.str()};
    }
}
