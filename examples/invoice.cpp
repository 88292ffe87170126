// Reads an invoice into a struct, within a limit of tokens. invoice [FOLDER]
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gemma4/gemma4.hpp>
#include <gemma4/grammar/typed_mask.hpp>
#include <gemma4/spec/nano.hpp>

struct item
{
    std::string name;
    double price = 0;
    int count = 1;

    static constexpr auto fields = gemma4::fields(gemma4::field("name", &item::name),
                                                  gemma4::field("price", &item::price, "of one piece"),
                                                  gemma4::optional_field("count", &item::count));
};

struct invoice
{
    std::string number;
    double total = 0;
    std::vector<item> items;
    std::optional<std::string> note;

    static constexpr auto fields =
        gemma4::fields(gemma4::field("number", &invoice::number), gemma4::field("total", &invoice::total),
                       gemma4::field("items", &invoice::items), gemma4::field("note", &invoice::note));
};

int main(int argc, char** argv)
{
    auto model = gemma4::load<gemma4::nano>(argc > 1 ? argv[1] : GEMMA4_MODELS "/nano");
    gemma4::session chat{model};
    auto options = chat.defaults();
    options.stop.max_tokens = 200;
    options.mask = gemma4::typed_mask<invoice>(std::make_shared<gemma4::token_trie const>(model.tokens()));

    auto answer =
        chat.ask("Invoice A-17: two pens at 1.50 and one lamp at 20, to be paid within 30 days.", options);
    auto const text = answer.rest();
    if (auto const& why = answer.said().incomplete; !why.empty())
    {
        std::cout << "no invoice: " << why << '\n';
        return 0;
    }
    auto const found = gemma4::read_value<invoice>(text);
    std::cout << "invoice " << found.number << ", " << found.items.size() << " items, total " << found.total
              << '\n';
}
