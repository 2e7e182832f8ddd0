--- The board: its lines, groups and columns, what its keys do, and that it stays where the user has put it.

local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks

local T = {}

--- The board's lines, blanks at their ends left out.
local function lines(nvim)
  return nvim:lua([[
    local buf = vim.fn.bufnr('%')
    for _, win in ipairs(vim.api.nvim_list_wins()) do
      local other = vim.api.nvim_win_get_buf(win)
      buf = vim.bo[other].filetype == 'agor-sessions' and other or buf
    end
    return vim.tbl_map(function(line)
      return (line:gsub('%s+', ' '):gsub('^ ', ''):gsub(' $', ''))
    end, vim.api.nvim_buf_get_lines(buf, 0, -1, false))
  ]])
end

local function open(nvim)
  nvim:lua('require("agor.ui.board").open()')
  nvim:settle()
end

T['every session is a line, and the board stays live'] = test(nil, function(nvim)
  nvim:lua([[
    T.session('s1', { title = 'first', status = 'running', cost_usd = 1, last_line = 'I look' })
    T.session('s2', { provider = 'codex', title = 'second', error = 'it broke', status = 'error' })
    T.touched = 's2'
  ]])
  open(nvim)
  local screen = nvim:screen()
  for _, part in ipairs({ 'claude', 'first', 'working', '$1.00', 'I look', 'codex', 'it broke' }) do
    contains(screen, part)
  end
  equal(nvim:get('{ vim.bo.filetype, vim.fn.line(".") }'), { 'agor-sessions', 2 })
  nvim:lua([[
    T.session('s3', { provider = 'gemini', started_at = 9, cwd = '/other', project = '/other' })
    T.session('s1', { status = 'idle', pending = 3 })
    require('agor.ui.bar').refresh({ 's3', 's1' })
  ]])
  -- After a slow drawing the next one comes a moment later.
  nvim:wait('vim.fn.search("gemini", "nw") > 0')
  screen = nvim:screen()
  contains(screen, 'gemini')
  contains(screen, 'needs you')
  equal(nvim:get('{ vim.api.nvim_get_current_line():match("second"), vim.wo.cursorline }'), {
    'second',
    true,
  })
end)

T['sessions stand below their project and worktree, the newest activity first'] = test(
  nil,
  function(nvim)
    nvim:lua([[
      local function at(id, project, cwd, started_at, more)
        local fields = { title = id, project = project, cwd = cwd, started_at = started_at }
        T.session(id, vim.tbl_extend('force', fields, more or {}))
      end
      at('old', '/p', '/p', 1)
      at('busy', '/p', '/p/src', 2, { turn_ended_at = 70 })
      at('fix', '/p', '/p.worktrees/fix', 3, { worktree = { name = 'fix', branch = 'agor/fix', path = '/p.worktrees/fix',
        repository = '/p', diffstat = { files = 2, added = 12, removed = 3 } } })
      at('mine', '/p', '/elsewhere/mine', 4)
      at('other', '/q', '/q', 60)
    ]])
    open(nvim)
    local names = vim.tbl_map(function(line)
      return line:match('^[%W]*%a+ %w+ (%w+)') and line:gsub('^%W*', ''):gsub('claude$', '') or line
    end, lines(nvim))
    equal(#names, 9)
    equal(names[1], '/p · 4')
    contains(names[2], ' busy ')
    contains(names[3], ' old ')
    equal(names[4], 'worktree mine')
    equal(names[6], 'worktree fix · agor/fix +12 -3')
    contains(names[7], ' fix ')
    equal(names[8], '/q · 1')
  end
)

T['the order is chosen by a key, and the cursor stays on its session'] = test(nil, function(nvim)
  nvim:lua([[
    T.session('a', { title = 'zebra', cost_usd = 1 })
    T.session('b', { title = 'ape', pending = 1 })
    T.session('c', { title = 'cat', cost_usd = 2, status = 'done' })
    T.touched = 'b'
  ]])
  open(nvim)
  local function titles()
    local out = {}
    for _, line in ipairs(lines(nvim)) do
      out[#out + 1] = line:match('zebra') or line:match('ape') or line:match('cat')
    end
    return table.concat(out, ' ')
  end
  equal(titles(), 'cat ape zebra')
  for _, expect in ipairs({ 'ape zebra cat', 'cat ape zebra', 'cat zebra ape', 'ape cat zebra' }) do
    nvim:type('o')
    equal(titles(), expect)
    contains(nvim:get('vim.api.nvim_get_current_line()'), 'ape')
  end
  contains(nvim:screen(), 'by title')
end)

T['what is typed after / narrows the list as it is typed'] = test(nil, function(nvim)
  nvim:lua([[
    T.session('a', { title = 'Fix the parser', provider = 'claude' })
    T.session('b', { title = 'Write docs', provider = 'codex', status = 'running' })
    T.session('c', { title = 'Parse dates', provider = 'codex' })
  ]])
  open(nvim)
  nvim:type('/pars')
  equal(#lines(nvim), 3)
  equal(nvim:mode(), 'i')
  nvim:type(' codex')
  equal(#lines(nvim), 2)
  nvim:type('<CR>')
  equal(nvim:get('vim.bo.filetype'), 'agor-sessions')
  equal(nvim:mode(), 'n')
  contains(nvim:screen(), '/pars codex')
  contains(nvim:get('vim.api.nvim_get_current_line()'), 'Parse dates')
  nvim:type('/<C-u>working<CR>')
  contains(lines(nvim)[2], 'Write docs')
  -- <Esc> takes back what was typed.
  nvim:type('/<C-u>nothing such')
  contains(nvim:screen(), '<BS> shows all')
  nvim:type('<Esc>')
  equal(nvim:get('vim.bo.filetype'), 'agor-sessions')
  contains(lines(nvim)[2], 'Write docs')
  nvim:type('<BS>')
  equal(#lines(nvim), 4)
  contains(nvim:get('vim.api.nvim_get_current_line()'), 'Parse dates')
end)

T['keys act on the session under the cursor'] = test(nil, function(nvim)
  nvim:lua('T.session("s1") T.session("s2") T.touched = "s2"')
  open(nvim)
  nvim:type('isSxR')
  equal(nvim:get('T.calls'), {
    { 'interrupt', 's2' },
    { 'stop', 's2' },
    { 'stop', 's2', { force = true } },
    { 'remove', 's2' },
  })
  equal(nvim:get('T.told("restart")'), { { session_id = 's2' } })
  nvim:type('w')
  contains(nvim:get('T.messages[1][2]'), 'has no worktree')
  nvim:lua([[
    local function call(name) return function(...) T.called = { name, ... } end end
    package.loaded['agor.worktree'] = { menu = function(row) T.called = { 'menu', row.session_id } end }
    package.loaded['agor.changes'] = { list = call('changes') }
    T.session('s2', { worktree = { name = 'fix', branch = 'agor/fix', path = '/w', repository = '/p' } })
    require('agor.ui.board').refresh()
  ]])
  nvim:wait('vim.fn.search("agor/fix", "nw") > 0')
  nvim:type('w')
  equal(nvim:get('T.called'), { 'menu', 's2' })
  nvim:lua('T.session("s2").worktree = nil')
  open(nvim)
  nvim:type('c')
  equal(nvim:get('T.called'), { 'changes', 's2' })
  open(nvim)
  nvim:type('gg')
  nvim:type('is')
  equal(nvim:get('#T.calls'), 4, 'a heading is no session')
  nvim:type('2G<CR>')
  equal(nvim:get('vim.fn.bufwinid("agor://s2") > 0'), true)
  equal(nvim:get('vim.bo.filetype'), '')
  open(nvim)
  nvim:type('3Gp')
  equal(nvim:get('{ vim.bo.filetype, vim.b.agor_session }'), { 'agor-prompt', 's1' })
  nvim:type('<Esc>')
  open(nvim)
  nvim:type('2Gv')
  equal(nvim:get('{ vim.bo.filetype, vim.b.agor_session }'), { 'agor', 's2' })
  open(nvim)
  nvim:type('q')
  equal(nvim:get('vim.bo.filetype'), 'agor')
end)

T['a name is asked for with the title in it, and deleting names what goes and what stays'] = test(
  nil,
  function(nvim)
    nvim:lua([[
      T.session('s1', { title = 'Greeting', queued = 2, busy = true, status = 'running' })
      vim.ui.input = function(opts, done) T.asked = opts.default done('Parser') end
      vim.ui.select = function(choices, opts, done) T.asked = opts.prompt done(choices[T.choice], T.choice) end
      require('agor.backend').data_dir = function() return '/none' end
      T.results.delete_journal, T.results.rename = true, true
    ]])
    open(nvim)
    nvim:type('r')
    equal(nvim:get('T.asked'), 'Greeting')
    equal(nvim:get('T.told("rename")'), { { session_id = 's1', name = 'Parser' } })
    nvim:lua('T.choice = 1')
    nvim:type('D')
    local question = nvim:get('T.asked')
    for _, part in ipairs({
      'Delete "Greeting"?',
      'its draft, 2 queued prompts',
      'is stopped',
      'what claude keeps of it itself',
    }) do
      contains(question, part)
    end
    equal(nvim:get('T.told("delete_journal")'), {})
    equal(nvim:get('vim.bo.filetype'), 'agor-sessions')
    nvim:lua('T.choice = 2')
    nvim:type('D')
    equal(nvim:get('T.told("delete_journal")'), { { session_id = 's1' } })
    equal(nvim:get('T.messages'), { { 'info', '"Greeting" is deleted' } })
  end
)

T['earlier sessions come on demand, and are taken up again'] = test(nil, function(nvim)
  nvim:lua([[
    T.session('s1', { title = 'here', cwd = '/p', project = '/p' })
    T.results.journals = {
      { session_id = 's1', provider = 'demo', title = 'here', cwd = '/p', project = '/p', updated_at = 5 },
      { session_id = 'e1', provider = 'demo', title = 'before', cwd = '/p', project = '/p', updated_at = 4 },
      { session_id = 'e2', provider = 'demo', title = 'cut off', cwd = '/p', project = '/p', updated_at = 60, interrupted = true },
    }
    package.loaded['agor.project'] = { root = function() return '/p' end }
    package.loaded['agor.resume'] = { resume = function(call) T.resumed = call end }
  ]])
  open(nvim)
  equal(#lines(nvim), 2)
  nvim:type('a')
  local all = lines(nvim)
  equal(#all, 4)
  contains(all[3], 'interrupted')
  contains(all[4], 'before')
  nvim:type('Gs')
  equal(nvim:get('T.calls'), {})
  contains(nvim:get('T.messages[1][2]'), 'earlier session')
  nvim:type('<CR>')
  equal(nvim:get('T.resumed'), { args = 'e1', bang = false })
  open(nvim)
  nvim:type('a')
  equal(#lines(nvim), 2)
end)

T['sessions of another Neovim are shown and can only be read'] = test(nil, function(nvim)
  nvim:lua([[
    package.loaded['agor.others'] = {
      list = function() return { { session_id = 'o1', provider = 'codex', title = 'theirs', cwd = '/p', project = '/p',
        started_at = 4, status = 'idle', pending = 1, elsewhere = { pid = 7 } } } end,
      watch = function(fn) T.watched = fn end,
      unwatch = function(fn) T.unwatched = fn == T.watched end,
    }
  ]])
  open(nvim)
  contains(nvim:screen(), 'in another Neovim')
  contains(nvim:screen(), 'in another Neovim: needs you')
  nvim:type('2Gs')
  equal(nvim:get('T.calls'), {})
  contains(nvim:get('T.messages[1][2]'), 'another Neovim')
  nvim:type('D')
  contains(nvim:get('T.messages[2][2]'), 'only there it can be deleted')
  nvim:lua('package.loaded["agor.resume"] = { resume = function(call) T.resumed = call.args end }')
  nvim:type('R')
  equal(nvim:get('T.resumed'), 'o1')
  open(nvim)
  nvim:type('2G')
  nvim:type('<CR>')
  equal(nvim:get('{ vim.bo.filetype, vim.b.agor_session }'), { 'agor', 'o1' })
  equal(nvim:get('T.unwatched'), true)
end)

T['only the time of what works goes on, and nothing is drawn for that'] = test(nil, function(nvim)
  nvim:lua([[
    local now = vim.uv.gettimeofday() * 1000
    T.session('s1', { title = 'first', status = 'running', busy = true, turn_started_at = now - 58000 })
    T.session('s2', { title = 'second' })
  ]])
  open(nvim)
  nvim:lua([[
    local tick = vim.api.nvim_buf_get_changedtick(0)
    T.get = vim.uv.gettimeofday
    vim.uv.gettimeofday = function() local s, u = T.get() return s + 65, u end
    require('agor.ui.board').tick()
    T.ticks = vim.api.nvim_buf_get_changedtick(0) - tick
  ]])
  contains(table.concat(lines(nvim), '\n'), '2m0')
  contains(nvim:screen(), 'first')
  equal(nvim:get('T.ticks <= 2'), true)
  nvim:lua(
    'local tick = vim.api.nvim_buf_get_changedtick(0) require("agor.ui.bar").refresh({ "s2" }) T.same = tick'
  )
  nvim:settle()
  equal(nvim:get('vim.bo.modified'), false)
end)

T['narrow or wide, each line fits and the title is there'] = test(nil, function(nvim)
  nvim:lua([[
    T.session('s1', { title = ('Fix the parser of dates '):rep(5), model = 'opus', cost_usd = 12.5, place = 'ssh host',
      context_used = 50, context_size = 100, queued = 2, changes = { files = 3, added = 120, removed = 7 },
      last_line = ('I look at it. '):rep(20), busy = true, status = 'running' })
    T.session('s2', { title = 'Umlaute äöü', cwd = ('/very/long'):rep(20), pending = 1 })
  ]])
  for _, columns in ipairs({ 60, 80, 120, 200 }) do
    nvim:lua('vim.o.columns = ...', columns)
    open(nvim)
    local fits = nvim:lua([[
      local width = vim.api.nvim_win_get_width(0)
      for _, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
        if vim.fn.strdisplaywidth(line) > width then return line end
      end
      return true
    ]])
    equal(fits, true)
    local text = table.concat(lines(nvim), '\n')
    contains(text, 'Fix the parser')
    if columns < 200 then
      contains(text, columns == 60 and '2 queued' or 'Fix the parser of dates')
    else
      for _, part in ipairs({
        'ssh host',
        'opus',
        '2 queued',
        'ctx 50%',
        '$12.50',
        '+120 -7',
        'I look',
      }) do
        contains(text, part)
      end
    end
    nvim:type('q')
  end
end)

T['a panel stays, keeps the other windows as they were, and gives their room back'] = test(
  nil,
  function(nvim)
    nvim:lua('T.config.board = { position = "left", width = 50 } T.session("s1") vim.cmd.vsplit()')
    local before = nvim:sizes()
    open(nvim)
    equal(
      nvim:get('{ vim.api.nvim_win_get_width(0), vim.api.nvim_win_get_config(0).relative }'),
      { 50, '' }
    )
    contains(nvim:get('vim.wo.winbar'), 'Sessions')
    nvim:cmd('wincmd p')
    nvim:settle()
    equal(nvim:get('#vim.api.nvim_list_wins()'), 3, 'it is left and stays')
    nvim:lua('T.session("s2", { provider = "gemini" }) require("agor.ui.bar").refresh({ "s2" })')
    nvim:wait(
      'table.concat(vim.api.nvim_buf_get_lines(vim.fn.winbufnr(1), 0, -1, false)):find("gemini")'
    )
    contains(nvim:screen(), 'gemini')
    equal(nvim:get('vim.bo.filetype'), '', 'the cursor is where it was')
    nvim:lua('require("agor.ui.board").open()')
    equal(nvim:get('vim.bo.filetype'), 'agor-sessions')
    nvim:type('q')
    nvim:settle()
    equal(nvim:sizes(), before)
    open(nvim)
    nvim:cmd('only')
    nvim:type('q')
    equal(nvim:get('{ vim.bo.filetype, #vim.api.nvim_list_wins() }'), { '', 1 })
  end
)

T['an empty board says what to do'] = test(nil, function(nvim)
  open(nvim)
  contains(nvim:screen(), ':AgorStart starts one')
  nvim:type('<CR>isxvpyD')
  equal(nvim:get('T.calls'), {})
end)

T['the float is above a question, and goes when it is left for more than its help'] = test(
  nil,
  function(nvim)
    nvim:lua('T.session("s1")')
    open(nvim)
    equal(nvim:get('vim.api.nvim_win_get_config(0).zindex > 56'), true)
    nvim:type('g?')
    equal(nvim:get('vim.api.nvim_win_get_config(0).zindex > 58'), true)
    lacks(nvim:screen(), 'No keys')
    nvim:type('q')
    nvim:settle()
    equal(nvim:get('vim.bo.filetype'), 'agor-sessions')
    nvim:cmd('wincmd w')
    nvim:settle()
    equal(nvim:get('#vim.api.nvim_list_wins()'), 1)
  end
)

T['what a key asks for is drawn at once, also while a drawing is due'] = test(nil, function(nvim)
  nvim:lua([[T.session('s1', { title = 'one' })]])
  open(nvim)
  nvim:lua([[
    local board = require('agor.ui.board')
    local function title() return vim.inspect(vim.api.nvim_win_get_config(0).title) end
    T.before = title()
    -- The second one may not draw yet.
    board.refresh()
    board.refresh()
    vim.api.nvim_feedkeys('o', 'xt', false)
    T.after = title()
  ]])
  equal(nvim:get('T.before ~= T.after'), true)
end)

T['earlier sessions are drawn as soon as they are there, also while a drawing is due'] = test(
  nil,
  function(nvim)
    nvim:lua([[
    T.session('s1', { title = 'one' })
    local rpc, answer = require('agor.rpc'), nil
    local notify = rpc.notify
    rpc.notify = function(method, params, callback)
      answer = method == 'journals' and callback or answer
      return notify(method, params, callback)
    end
    T.answer = function(list) answer(nil, list) end
  ]])
    open(nvim)
    nvim:type('a')
    nvim:lua([[
    local board = require('agor.ui.board')
    -- The second one may not draw yet.
    board.refresh()
    board.refresh()
    T.answer({ { session_id = 'e1', provider = 'demo', title = 'before', cwd = '/p', project = '/p', updated_at = 4 } })
    T.found = vim.fn.search('before', 'nw') > 0
  ]])
    equal(nvim:get('T.found'), true)
  end
)

T['the border says how a turn that has failed is tried again, while there is one'] = test(
  nil,
  function(nvim)
    nvim:lua([[T.session('s1', { title = 'one', status = 'error', error = 'it broke' })]])
    open(nvim)
    contains(nvim:screen(), 'T try again')
    nvim:lua([[T.session('s1', { status = 'idle' }).error = nil]])
    nvim:lua('require("agor.ui.board").refresh()')
    nvim:wait('vim.fn.search("it broke", "nw") == 0')
    lacks(nvim:screen(), 'T try again')
  end
)

T['who has stalled or waits says so, and T tries again'] = test(nil, function(nvim)
  nvim:lua([[
    T.session('s1', { title = 'one', status = 'running', busy = true, stalled = true, quiet_since = 7 })
    T.session('s2', { title = 'two', status = 'running', busy = true, last_line = 'I look',
      wait = { cause = 'overloaded', said = 'The API is overloaded; retry 3 of 10', attempt = 3, attempts = 10 } })
    require('agor.notify').on_stalled('s1', 7, { 'timed out' })
    T.touched = 's1'
  ]])
  open(nvim)
  local screen = nvim:screen()
  for _, part in ipairs({
    'T try again',
    '! stalled',
    'has said nothing since',
    'The API is overloaded; retry 3',
  }) do
    contains(screen, part)
  end
  lacks(screen, 'I look')
  contains(nvim:lua("return require('agor.ui.waits').long(T.sessions.s1, 7)"), ': timed out')
  nvim:lua("require('agor.ui.board').open()")
  nvim:type('T')
  equal(nvim:get('T.calls'), { { 'retry', 's1' } })
end)

return T
