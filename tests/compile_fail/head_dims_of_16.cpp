// expect: gemma4: head_dim and global_head_dim must be positive multiples of 16
#include <gemma4/spec/architecture.hpp>
#include <gemma4/spec/tiny.hpp>

struct variant
{
    static constexpr char const* name = "variant";
    static constexpr gemma4::text_config text = []
    {
        auto text = gemma4::tiny_e2b::text;
#if GEMMA4_FAIL
        text.global_head_dim = 40;
#endif
        return text;
    }();
};

template struct gemma4::architecture<variant>;
