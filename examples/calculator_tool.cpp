// A model that cannot multiply, and a function of ours that can. calculator_tool [FOLDER]
#include <cctype>
#include <iostream>
#include <stdexcept>
#include <string>
#include <variant>

#include <gemma4/gemma4.hpp>
#include <gemma4/grammar/tool.hpp>
#include <gemma4/spec/nano.hpp>

namespace
{
    // a op b op c ..., from left to right, * and / before + and -.
    class evaluation
    {
    public:
        explicit evaluation(std::string const& text)
            : m_text(text)
        {}

        long run()
        {
            auto const value = sum();
            if (peek() != '\0') { throw std::invalid_argument("unexpected " + m_text.substr(m_at)); }
            return value;
        }

    private:
        char peek()
        {
            while (m_at != m_text.size() && m_text[m_at] == ' ') { ++m_at; }
            return m_at == m_text.size() ? '\0' : m_text[m_at];
        }

        long sum()
        {
            auto value = product();
            for (char op = peek(); op == '+' || op == '-'; op = peek())
            {
                ++m_at;
                value = op == '+' ? value + product() : value - product();
            }
            return value;
        }

        long product()
        {
            auto value = number();
            for (char op = peek(); op == '*' || op == '/'; op = peek())
            {
                ++m_at;
                auto const next = number();
                if (op == '/' && next == 0) { throw std::invalid_argument("division by zero"); }
                value = op == '*' ? value * next : value / next;
            }
            return value;
        }

        long number()
        {
            if (!std::isdigit(static_cast<unsigned char>(peek())))
            {
                throw std::invalid_argument("expected a number");
            }
            std::size_t used = 0;
            auto const value = std::stol(m_text.substr(m_at), &used);
            m_at += used;
            return value;
        }

        std::string const& m_text;
        std::size_t m_at = 0;
    };

    long calculate(std::string const& expression) { return evaluation(expression).run(); }
}

int main(int argc, char** argv)
{
    auto model = gemma4::load<gemma4::nano>(argc > 1 ? argv[1] : GEMMA4_MODELS "/nano");
    gemma4::session_options options;
    // What the model reads of the function, and how its arguments are read, follows from the types.
    options.tools = {gemma4::tool("calculate", "Evaluates an arithmetic expression", &calculate,
                                  gemma4::parameter("expression", "The expression"))};
    gemma4::session chat{model, options};

    bool called = false;
    for (auto question : {"What is 12 * 34?", "What is 17 + 25?"})
    {
        std::cout << "> " << question << '\n';
        auto answer = chat.ask_with_tools(question);
        for (auto const& event : answer.events())
        {
            if (auto const* call = std::get_if<gemma4::tool_call>(&event))
            {
                std::cout << "  (" << call->name << ": " << *call->arguments.find("expression")->as_string()
                          << ")\n";
                called = true;
            }
            else if (auto const* piece = std::get_if<gemma4::answer_text>(&event))
            {
                std::cout << piece->text;
            }
        }
        std::cout << '\n';
    }
    return called ? 0 : 1;
}
