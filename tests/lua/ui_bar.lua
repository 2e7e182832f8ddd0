--- The bars of a pane, and the status line.

local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks

local T = {}

local FULL = {
  provider = 'claude',
  status = 'running',
  busy = true,
  model = 'opus-4.1',
  title = '100% %#Error#done',
  cost_usd = 0.1234,
  input_tokens = 12345,
  output_tokens = 999,
  cwd = '/srv/shop',
  queued = 2,
  pending = 1,
  asks_nothing = true,
}

local function bar(nvim, fields, cells)
  return nvim:lua(
    [[
      local fields, cells = ...
      local text = require('agor.ui.bar').winbar(T.session('x', fields), cells)
      local drawn = vim.api.nvim_eval_statusline(text, { maxwidth = cells, use_winbar = true })
      return drawn.str
    ]],
    fields,
    cells
  )
end

T['effort and the fill of the context are there if the agent tells, and a full one warns'] = test(
  nil,
  function(nvim)
    local told = vim.tbl_extend(
      'force',
      FULL,
      { effort = 'high', context_used = 68000, context_size = 200000 }
    )
    local text = bar(nvim, told, 140)
    contains(text, 'high effort')
    contains(text, 'ctx 34%')
    contains(bar(nvim, { context_used = 68000, context_size = 0 }, 140), 'ctx 68k')
    lacks(nvim:get('require("agor.ui.bar").winbar(T.sessions.x, 140)'), 'AgorWarning#ctx')
    nvim:lua('T.session("x", { context_used = 160000, context_size = 200000 })')
    contains(nvim:get('require("agor.ui.bar").winbar(T.sessions.x, 140)'), 'AgorWarning#ctx 80')
  end
)

T['before an agent has started nothing runs: what is asked waits for the user'] = test(
  nil,
  function(nvim)
    local asked = { provider = 'claude', status = 'running', pending = 1 }
    local text = bar(nvim, asked, 140)
    contains(text, '? waiting for you')
    lacks(text, 'running')
    lacks(text, '1 waiting')
    contains(bar(nvim, { pending = 2 }, 140), '2 waiting')
    -- A turn that asks is one that runs.
    text = bar(nvim, { pending = 1, busy = true }, 140)
    contains(text, '● running')
    contains(text, '1 waiting')
  end
)

T['a wide bar says everything, and markup in a title is text'] = test(nil, function(nvim)
  local text = bar(nvim, FULL, 140)
  for _, part in ipairs({
    'claude',
    '● running',
    'opus-4.1',
    '100% %#Error#done',
    '$0.12',
    '↑12.3k ↓999',
    '2 queued',
    '1 waiting',
    'asks nothing',
    '/srv/shop',
  }) do
    contains(text, part)
  end
end)

T['it never is wider than its window, and keeps what matters most'] = test(nil, function(nvim)
  for cells = 1, 150 do
    local text = bar(nvim, FULL, cells)
    local width = vim.fn.strdisplaywidth(text)
    assert(width <= cells, ('%d cells: %d in %q'):format(cells, width, text))
    if cells >= 11 then
      contains(text, 'running')
    end
    if cells >= 45 then
      contains(text, 'asks nothing')
      contains(text, '1 waiting')
    end
    if cells >= 3 then
      lacks(text, '<')
    end
  end
end)

T['each status is a word besides its sign, in every set of icons'] = test(nil, function(nvim)
  for _, icons in ipairs({ 'unicode', 'nerd', 'ascii' }) do
    nvim:lua('T.config.icons = ...', icons)
    for _, status in ipairs({ 'running', 'idle', 'done', 'error' }) do
      contains(bar(nvim, { status = status }, 60), ' ' .. status)
    end
  end
  nvim:lua('T.config.icons = "ascii"')
  equal(bar(nvim, FULL, 120):find('[\128-\255]'), nil)
end)

T['figures are short'] = test(nil, function(nvim)
  local count = [[vim.tbl_map(require('agor.ui.bar').count, ...)]]
  equal(nvim:get(count, { 0, 999, 1000, 12345, 99949, 99950, 999499, 999500, 1234567 }), {
    '0',
    '999',
    '1k',
    '12.3k',
    '99.9k',
    '100k',
    '999k',
    '1.0M',
    '1.2M',
  })
  local cost = [[vim.tbl_map(require('agor.ui.bar').cost, ...)]]
  equal(nvim:get(cost, { 0.001, 0.01, 0.126, 12 }), { '<$0.01', '$0.01', '$0.13', '$12.00' })
end)

T['the bar follows the mirror, and is set only when it changes'] = test(nil, function(nvim)
  nvim:lua([[
    T.session('s1')
    require('agor.ui.pane').open('s1')
    Sets = 0
    vim.api.nvim_create_autocmd('OptionSet', { pattern = 'winbar', callback = function() Sets = Sets + 1 end })
    T.session('s1', { status = 'running' })
    for _ = 1, 5 do
      require('agor.ui.bar').refresh({ 's1' })
    end
    require('agor.ui.bar').refresh({ 'other' })
  ]])
  contains(nvim:screen(), '● running')
  equal(nvim:get('Sets'), 1)
  nvim:cmd('wincmd l')
  nvim:cmd('vertical resize 30')
  nvim:settle()
  contains(nvim:screen(), 'claude  ● running')
end)

T['the status line string is short'] = test(nil, function(nvim)
  local line = 'require("agor.ui.bar").statusline()'
  equal(nvim:get(line), '')
  nvim:lua('T.session("s1", { status = "running" })')
  equal(nvim:get(line), 'claude ● running')
  nvim:lua('T.session("s0", { pending = 1 }) T.touched = "s1"')
  equal(nvim:get(line), 'claude ● 1 waiting')
  nvim:lua('T.session("s0", { pending = 0 })')
  nvim:lua('T.session("s1", { effort = "high", context_used = 68000, context_size = 200000 })')
  equal(nvim:get(line), 'claude ● running high effort ctx 68k/200k')
end)

T['the directory is the last to go, by its last component'] = test(nil, function(nvim)
  local fields = vim.tbl_extend('force', FULL, { cwd = '/srv/a-long-one/shop', pending = 0 })
  local text = bar(nvim, fields, 48)
  contains(text, ' shop')
  lacks(text, '12.3k')
  contains(bar(nvim, fields, 150), '/srv/a-long-one/shop')
end)

T['a journal or an audit log that is not written is said'] = test(nil, function(nvim)
  contains(bar(nvim, { journal_failed = true }, 60), 'journal not written')
  lacks(bar(nvim, { journal_failed = false }, 60), 'journal')
  contains(bar(nvim, { audit_failed = true }, 60), 'audit log not written')
  lacks(bar(nvim, { audit_failed = false }, 60), 'audit')
end)

T['a session whose row is gone keeps its name, and its prompt says so'] = test(nil, function(nvim)
  nvim:lua([[
    T.session('s1', { title = 'fix it' })
    require('agor.ui.pane').open('s1')
    T.sessions.s1, T.order = nil, {}
    require('agor.ui.bar').refresh({ 's1' })
  ]])
  local screen = nvim:screen()
  contains(screen, 'over  claude  fix it')
  contains(screen, 'This session is over: :Agor resume')
end)

T["what a session waits for is said in the agent's terms, and a stall instead of its work"] = test(
  nil,
  function(nvim)
    nvim:lua([[
      function Words(wait, now) return (require('agor.ui.waits').short({ wait = wait }, now)) end
      Noon = os.time({ year = 2026, month = 3, day = 4, hour = 12 }) * 1000
    ]])
    local function check(wait, expect)
      equal(nvim:lua('return Words(load("return " .. ...)(), Noon)', wait), expect or vim.NIL)
    end
    check("{ cause = 'retry', attempt = 3, attempts = 10 }", 'retrying 3/10')
    check("{ cause = 'overloaded', attempt = 3, attempts = 10 }", 'overloaded, retrying 3/10')
    check("{ cause = 'rate_limit', attempt = 3 }", 'rate limit, retry 3')
    check("{ cause = 'rate_limit' }", 'rate limit, retrying')
    check("{ cause = 'usage_limit' }", 'rate limit')
    check("{ cause = 'usage_limit', ['until'] = Noon + 2 * 3600000 }", 'rate limit until 14:00')
    check(
      "{ cause = 'usage_limit', ['until'] = Noon + 26 * 3600000 }",
      'rate limit until Thu 14:00'
    )
    check("{ cause = 'usage_limit', ['until'] = Noon - 1 }", nil)
    check("{ cause = 'login' }", 'login needed')
    check("{ cause = 'command' }", 'waiting for a command')
    local from = nvim:get('require("agor.clock").count()') - 200000
    local text = bar(nvim, { busy = true, stalled = true, quiet_since = 7, quiet_from = from }, 80)
    contains(text, '! stalled 3m2')
    lacks(text, 'running')
    local waits = { cause = 'overloaded', attempt = 3, attempts = 10, said = '' }
    text = bar(nvim, { busy = true, stalled = false, wait = waits }, 80)
    contains(text, 'overloaded, retrying 3/10')
    contains(nvim:get('require("agor.ui.bar").statusline()'), 'overloaded, retrying 3/10')
    nvim:lua('T.session("x", { stalled = true })')
    contains(nvim:get('require("agor.ui.bar").statusline()'), '! stalled')
    nvim:lua('T.session("other", { stalled = true })')
    contains(bar(nvim, { stalled = false, wait = false }, 120), '+1 stalled')
  end
)

return T
