// expect: gemma4: layers must be a multiple of global_every, so that the last layer is global
#include <gemma4/spec/architecture.hpp>
#include <gemma4/spec/tiny.hpp>

struct variant
{
    static constexpr char const* name = "variant";
    static constexpr gemma4::text_config text = []
    {
        auto text = gemma4::tiny_e2b::text;
#if GEMMA4_FAIL
        text.layers = 16;
#endif
        return text;
    }();
};

template struct gemma4::architecture<variant>;
