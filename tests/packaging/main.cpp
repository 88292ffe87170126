// What every consumer builds: a variant of its own, an error of ours, and the umbrella.
#include <cstdio>
#include <string_view>

#include <gemma4/core/error.hpp>
#include <gemma4/spec/architecture.hpp>
#include <gemma4/spec/models.hpp>
#if __has_include(<gemma4/gemma4.hpp>)
#include <gemma4/gemma4.hpp>
#endif

struct small
{
    static constexpr char const* name = "small";
    static constexpr gemma4::text_config text = []
    {
        auto text = gemma4::e2b::text;
        text.layers = 10;
        text.kv_shared_layers = 5;
        return text;
    }();
};

int main()
{
    try
    {
        throw gemma4::argument_error(gemma4::sentence(small::name, " has ",
                                                      gemma4::architecture<small>::schedule.owners,
                                                      " layers with keys and values of their own"));
    }
    catch (gemma4::error const& failure)
    {
        std::puts(failure.what());
        return std::string_view(failure.what()) == "small has 5 layers with keys and values of their own" ? 0
                                                                                                          : 1;
    }
}
