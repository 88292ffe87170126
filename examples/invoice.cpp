// Reads an invoice into a struct. invoice FOLDER PICTURE: a checkpoint of E2B and a picture. Without
// arguments: text, and the small model of this repository.
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <gemma4/codecs/image.hpp>
#include <gemma4/gemma4.hpp>
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

void print(invoice const& found)
{
    std::cout << "invoice " << found.number << ", " << found.items.size() << " items, total " << found.total
              << '\n';
}

// A picture of an invoice, by a checkpoint of E2B.
void read(char const* folder, char const* picture)
{
    auto const model = gemma4::load<gemma4::e2b, gemma4::modality::text | gemma4::modality::image>(folder);
    auto const image = gemma4::encode_image(model, gemma4::read_image(picture), 560);
    gemma4::session chat{model};
    print(chat.ask<invoice>("Copy this invoice.", {image}));
}

// Text, by the small model in models/nano, which obeys the form and knows nothing of invoices.
void rehearse()
{
    gemma4::session chat{gemma4::load<gemma4::nano>(GEMMA4_MODELS "/nano")};
    auto options = chat.defaults();
    options.stop.max_tokens = 200;
    auto const text = "Invoice A-17: two pens at 1.50 and one lamp at 20, to be paid within 30 days.";
    try
    {
        print(chat.ask<invoice>(gemma4::user_turn(text), options));
    }
    catch (gemma4::incomplete_error const& why)    // the tokens ended inside a value
    {
        std::cout << "no invoice: " << why.what() << '\n';
    }
}

int main(int argc, char** argv)
{
    if (argc == 3) { read(argv[1], argv[2]); }
    else { rehearse(); }
}
