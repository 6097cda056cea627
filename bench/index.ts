console.log('Nothing is measured yet: the benchmarks come with the comparison of peers.');
