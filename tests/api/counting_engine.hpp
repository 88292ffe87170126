// An engine that counts what it is asked to compute.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>
#include <utility>

#include <gemma4/api/engine.hpp>

namespace gemma4_test
{
    template <class Engine>
    class counting_engine
    {
    public:
        using variant = typename Engine::variant;

        explicit counting_engine(Engine engine)
            : m_engine(std::move(engine))
        {}

        auto const& options() const { return m_engine.options(); }
        auto const& folder() const { return m_engine.folder(); }
        auto const& defaults() const { return m_engine.defaults(); }
        auto const& chat() const { return m_engine.chat(); }
        auto const& tokens() const { return m_engine.tokens(); }
        bool has_tokenizer() const { return m_engine.has_tokenizer(); }
        auto make_state() const { return m_engine.make_state(); }
        auto stamp() const { return m_engine.stamp(); }

        template <class T, class Make>
        auto kept(Make&& make) const
        {
            return m_engine.template kept<T>(std::forward<Make>(make));
        }

        template <class Each>
        bool step(std::span<gemma4::sequence_step<variant> const> batch, Each&& each,
                  std::stop_token stop = {}) const
        {
            ++m_counts->calls;
            for (auto const& s : batch) { m_counts->rows += s.tokens.size(); }
            return m_engine.step(batch, std::forward<Each>(each), stop);
        }

        // Since the last call of it.
        auto take() const { return std::exchange(*m_counts, {}); }

    private:
        struct counts
        {
            std::size_t calls = 0;
            std::size_t rows = 0;
        };

        Engine m_engine;
        std::shared_ptr<counts> m_counts = std::make_shared<counts>();
    };
}
