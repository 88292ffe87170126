// Each concept of the vocabulary, by what it takes and by what it refuses.
#include <string>

#include <gemma4/spec/architecture.hpp>
#include <gemma4/spec/models.hpp>
#include <gemma4/spec/tiny.hpp>

namespace concepts_test    // named: clang would call the members of a hidden refusal unused
{
    using namespace gemma4;

    static_assert(text_model<e2b> && text_model<e4b> && text_model<a4b> && text_model<d31b>);
    static_assert(text_model<tiny_e2b> && text_model<tiny_e4b> && text_model<tiny_a4b>
                  && text_model<tiny_d31b>);

    struct empty
    {};
    struct nameless
    {
        static constexpr text_config text = tiny_e2b::text;
    };
    struct textless
    {
        static constexpr char const* name = "textless";
    };
    struct number_for_name
    {
        static constexpr text_config text = tiny_e2b::text;
        static constexpr int name = 3;
    };
    struct number_for_text
    {
        static constexpr int text = 3;
        static constexpr char const* name = "number_for_text";
    };
    struct derived : e2b
    {};

    static_assert(!text_model<empty>);
    static_assert(!text_model<nameless>);
    static_assert(!text_model<textless>);
    static_assert(!text_model<number_for_name>);
    static_assert(!text_model<number_for_text>);
    static_assert(!text_model<int>);
    static_assert(!text_model<text_config>, "the numbers are not the model");
    static_assert(!text_model<std::string>);
    static_assert(!text_model<e2b*>);
    static_assert(text_model<derived>, "a variant may be derived from another");
}
