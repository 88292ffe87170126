// expect: gemma4: vocab, hidden, layers, heads and ffn must be positive
#include <gemma4/spec/architecture.hpp>
#include <gemma4/spec/tiny.hpp>

struct variant
{
    static constexpr char const* name = "variant";
    static constexpr gemma4::text_config text = []
    {
        auto text = gemma4::tiny_e2b::text;
#if GEMMA4_FAIL
        text.vocab = 0;
#endif
        return text;
    }();
};

template struct gemma4::architecture<variant>;
