// The program over two tiny variants, run inside the test process.
#pragma once

#include <istream>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include <gemma4/api/any_model.hpp>

namespace gemma4_test
{
    struct program_result
    {
        int status;
        std::string out;
        std::string err;
    };

    // tiny_e2b and tiny_a4b
    std::span<gemma4::known_variant const> known_variants();

    // `arguments` without the program's own name; the status of the process.
    int run_program(std::istream& in, std::ostream& out, std::ostream& err,
                    std::vector<std::string> const& arguments, bool terminal = false);

    program_result run_program(std::vector<std::string> const& arguments, std::string const& in = {},
                               bool terminal = false);
}
